using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public class ConvolutionGuardTests
{
    private static readonly (int, int, int, int) firstLevel = (0x121, 0x01C0003F, 0x3F, 0);   // an EPYC's: 8 ways of 64 lines of 64 bytes

    // What CPUID answers: its vendor, and what it says of the first-level data cache.
    private static ProcessorIdentification Processor(string vendor, (int, int, int, int) cache) => (leaf, subLeaf) =>
    {
        int Letters(int from) => BitConverter.ToInt32(Encoding.ASCII.GetBytes(vendor, from, 4));
        return leaf == 0 ? (0x1C, Letters(0), Letters(8), Letters(4)) : (leaf, subLeaf) == (unchecked((int)0x8000001D), 0) ? cache
            : default;
    };

    private static ConvolutionLimit Apply(ProcessorIdentification processor, Dictionary<string, string> environment) =>
        ConvolutionLimit.Apply(processor, name => environment.GetValueOrDefault(name), (name, value) => environment[name] = value);

    [Fact]
    public void A_processor_that_shows_its_caches_is_left_alone()
    {
        Dictionary<string, string> environment = [];
        Assert.Null(Apply(Processor("AuthenticAMD", firstLevel), environment).Message);
        Assert.Null(Apply(Processor("AuthenticAMD", (0x121, 0x01C0003F, 0x1F, 0)), environment).Message);   // 16 KiB
        Assert.Empty(environment);
    }

    [Fact]
    public void An_AMD_processor_that_hides_its_caches_is_limited_and_the_message_says_so()
    {
        Dictionary<string, string> environment = new() { ["DNNL_MAX_CPU_ISA"] = "" };   // oneDNN passes over what is empty
        string message = Apply(Processor("AuthenticAMD", default), environment).Message!;
        Assert.Equal("SSE41", environment["ONEDNN_MAX_CPU_ISA"]);
        Assert.Contains("ONEDNN_MAX_CPU_ISA=SSE41 was set", message);
        Assert.Contains("slower", message);
    }

    // oneDNN asks neither for the leaf that AMD processors answer.
    [Theory, InlineData("HygonGenuine"), InlineData("GenuineIntel")]
    public void Processors_of_other_vendors_are_left_alone(string vendor)
    {
        Dictionary<string, string> environment = [];
        Assert.Null(Apply(Processor(vendor, default), environment).Message);
        Assert.Empty(environment);
    }

    [Fact]
    public void A_processor_without_CPUID_is_left_alone() => Assert.Null(Apply((_, _) => default, []).Message);

    // Where the leaf is beyond the last, some hypervisors answer with another leaf's numbers: oneDNN takes them for a large cache and is
    // right (seen under qemu).
    [Fact]
    public void Another_leaf_s_answer_is_read_as_oneDNN_reads_it() =>
    Assert.False(ProcessorCaches.AreHidden(Processor("AuthenticAMD", (7, 0x340, 0x340, 0))));

    [Theory, InlineData("ONEDNN_MAX_CPU_ISA", "AVX2"), InlineData("DNNL_MAX_CPU_ISA", "AVX2"), InlineData("ONEDNN_MAX_CPU_ISA", "SSE41")]
    public void What_the_user_has_set_stays_and_the_message_names_it(string variable, string value)
    {
        Dictionary<string, string> environment = new() { [variable] = value };
        string message = Apply(Processor("AuthenticAMD", default), environment).Message!;
        Assert.Equal(value, Assert.Single(environment).Value);
        Assert.Contains($"{variable}={value} was set by the user and stays", message);
    }

    [Fact]
    public void The_variable_that_oneDNN_reads_first_is_the_one_named()
    {
        var limit = Apply(Processor("AuthenticAMD", default), new() { ["DNNL_MAX_CPU_ISA"] = "AVX2", ["ONEDNN_MAX_CPU_ISA"] = "AVX" });
        Assert.Equal("ONEDNN_MAX_CPU_ISA=AVX", limit.Chosen);
    }

    [Fact]
    public void A_variable_reaches_native_code()
    {
        const string name = "DAML_CONVOLUTION_GUARD_TEST";
        Assert.Null(NativeEnvironment.Get(name));
        NativeEnvironment.Set(name, "first");
        NativeEnvironment.Set(name, "second");
        Assert.Equal("second", NativeEnvironment.Get(name));
        Assert.Equal("second", Marshal.PtrToStringUTF8(OperatingSystem.IsWindows() ? OfWindows(name) : getenv(name)));

        static nint OfWindows(string name)
        {
            nint buffer = Marshal.AllocHGlobal(64);
            for (int i = 0, length = GetEnvironmentVariableA(name, buffer, 64); i < 64 - length; i++)
                Marshal.WriteByte(buffer, length + i, 0);
            return buffer;
        }
    }

    [Fact]
    public void Convolutions_are_right_here() => ConvolutionGuard.Check();

    [Fact]
    public void Convolutions_are_compared_whatever_the_caller_has_turned_off()
    {
        using var outer = NewDisposeScope();
        using (no_grad()) Assert.Null(ConvolutionCheck.Fault(ConvolutionCheck.Convolve));
        using (inference_mode()) Assert.Null(ConvolutionCheck.Fault(ConvolutionCheck.Convolve));
        Assert.Equal(0, outer.DisposablesCount);
    }

    [Fact]
    public void Bfloat16_is_no_fault() =>
        Assert.Null(
            ConvolutionCheck.Fault((field, weight) =>
                ConvolutionCheck.Convolve(field.to(ScalarType.BFloat16), weight.to(ScalarType.BFloat16)).to(ScalarType.Float32)));

    [Fact]
    public void Each_wrong_result_is_found_and_said_how_far_off_it_is()
    {
        // Half of a tensor that is treated as a constant halves the gradient and leaves the value.
        static Tensor Half(Tensor tensor) => tensor / 2 + (tensor / 2).detach();
        static string? With(Func<Tensor, Tensor, Tensor> convolve) => ConvolutionCheck.Fault(convolve);
        Assert.Equal("the output of conv1d from 12 to 12 channels with a kernel of 3 is off by 40 % of its norm",
            With((x, w) => 0.6 * ConvolutionCheck.Convolve(x, w)));
        Assert.StartsWith("the input gradient of conv1d from 12 to 12 channels with a kernel of 3 is off by 50 %",
            With((x, w) => ConvolutionCheck.Convolve(Half(x), w)));
        Assert.StartsWith("the weight gradient of conv1d from 12 to 12 channels with a kernel of 3 is off by 50 %",
            With((x, w) => ConvolutionCheck.Convolve(x, Half(w))));
        Assert.Equal("the input gradient of conv1d from 16 to 1 channels with a kernel of 5 is not finite",
            // the slope of a root at zero
            With((x, w) => ConvolutionCheck.Convolve(w.shape[0] == 1 ? x + 0 * (x - x.detach()).sqrt() : x, w)));
        Assert.StartsWith("the output of conv2d", With((x, w) => ConvolutionCheck.Convolve(x, w) * (w.ndim - 2)));
    }

    [Fact]
    public void A_refusal_says_what_is_wrong_and_what_to_set()
    {
        Dictionary<string, string> environment = new() { ["ONEDNN_MAX_CPU_ISA"] = "AVX2" };
        var limit = Apply(Processor("AuthenticAMD", default), environment);
        ConvolutionGuard.Require(null, limit);
        string message = Assert.Throws<WrongConvolutionException>(() =>
            ConvolutionGuard.Require("the output is off by 40 % of its norm", limit)).Message;
        Assert.Contains("the output is off by 40 % of its norm", message);
        Assert.Contains("ONEDNN_MAX_CPU_ISA=SSE41 in its environment, instead of ONEDNN_MAX_CPU_ISA=AVX2", message);
    }

    private sealed class WarningLog : ILogger
    {
        public List<string> Written { get; } = [];
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel level) => level >= LogLevel.Warning;
        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format) =>
            Written.Add($"{level}: {format(state, exception)}");
    }

    [Fact]
    public void What_was_done_is_written_once_to_the_first_log_that_takes_it()
    {
        var limit = Apply(Processor("AuthenticAMD", default), []);
        var (first, second) = (new WarningLog(), new WarningLog());
        int told = 0;
        foreach (ILogger log in (ILogger[])[Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, first, first, second])
            ConvolutionGuard.Tell(log, limit, ref told);
        Assert.Equal([$"Warning: {limit.Message}"], first.Written);
        Assert.Empty(second.Written);
        told = 0;
        ConvolutionGuard.Tell(second, Apply(Processor("GenuineIntel", default), []), ref told);
        Assert.Empty(second.Written);
    }

    [DllImport("libc")]
    private static extern nint getenv(string name);

    [DllImport("kernel32")]
    private static extern int GetEnvironmentVariableA(string name, nint buffer, int size);
}
