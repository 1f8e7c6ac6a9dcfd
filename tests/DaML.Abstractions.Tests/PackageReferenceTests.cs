using System.Text.Json;

namespace DaML.Tests;

/// <summary>
/// Which packages a program references under the properties that choose them, by evaluation of the project: nothing is
/// restored, so that this also holds where a feed does not have the packages.
/// </summary>
public sealed class PackageReferenceTests
{
    [Theory]
    [InlineData("linux-x64")]
    [InlineData("win-x64")]
    [InlineData("osx-arm64")]
    public void By_default_a_program_stands_on_libtorch_for_its_system_s_processor(string system)
    {
        var packages = Evaluate("Samples/DaML.Samples.csproj", $"-p:TorchSystem={system}");
        Assert.Equal("0.107.0", packages["TorchSharp"]);
        Assert.Equal([$"libtorch-cpu-{system}"], packages.Keys.Where(name => name.StartsWith("libtorch", StringComparison.Ordinal)));
        Assert.Equal("2.10.0", packages[$"libtorch-cpu-{system}"]);
        Assert.DoesNotContain(packages.Keys, name => name.Contains("cuda", StringComparison.OrdinalIgnoreCase)
            || name.Contains("MKL", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("linux-x64", "TorchSharp-cuda-linux")]
    [InlineData("win-x64", "TorchSharp-cuda-windows")]
    public void TorchDevice_cuda_takes_the_package_with_CUDA_instead(string system, string package)
    {
        var packages = Evaluate("Samples/DaML.Samples.csproj", $"-p:TorchSystem={system}", "-p:TorchDevice=cuda");
        Assert.Equal(packages["TorchSharp"], packages[package]);
        Assert.Single(packages.Keys, name => name.Contains("cuda", StringComparison.Ordinal));
        Assert.DoesNotContain(packages.Keys, name => name.StartsWith("libtorch-cpu", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("linux-x64", "MathNet.Numerics.MKL.Linux-x64", "3.0.0-beta3")]
    [InlineData("win-x64", "MathNet.Numerics.MKL.Win-x64", "3.0.0")]
    public void MathNetMkl_adds_the_provider_and_the_library_of_the_system(string system, string library, string version)
    {
        const string project = "Transformers/DaML.Transformers.csproj";
        var plain = Evaluate(project, $"-p:TorchSystem={system}");
        var packages = Evaluate(project, $"-p:TorchSystem={system}", "-p:MathNetMkl=true");
        Assert.Equal("5.0.0", plain["MathNet.Numerics"]);
        Assert.DoesNotContain(plain.Keys, name => name.Contains("MKL", StringComparison.Ordinal));
        Assert.Equal("5.0.0", packages["MathNet.Numerics.Providers.MKL"]);
        Assert.Equal(version, packages[library]);
        Assert.Equal(plain.Count + 2, packages.Count);
    }

    [Theory]
    [InlineData("-p:TorchDevice=gpu", "TorchDevice is 'gpu'")]
    [InlineData("-p:TorchDevice=cuda", "libtorch with CUDA exists for linux-x64 and win-x64, and this system is osx-arm64")]
    [InlineData("-p:MathNetMkl=true", "MathNet's MKL provider exists for linux-x64 and win-x64, and this system is osx-arm64")]
    public void What_does_not_exist_is_refused_before_anything_is_restored(string property, string message)
    {
        var (code, output) = Build("Samples/DaML.Samples.csproj", "-t:Restore", "-p:TorchSystem=osx-arm64", property);
        Assert.NotEqual(0, code);
        Assert.Contains(message, output);
    }

    // The versions of a project's packages by name: the references joined with the central versions.
    private static Dictionary<string, string> Evaluate(string project, params string[] arguments)
    {
        var (code, output) = Build(project, [.. arguments, "-getItem:PackageReference", "-getItem:PackageVersion"]);
        Assert.True(code == 0, output);
        using var json = JsonDocument.Parse(output);
        var items = json.RootElement.GetProperty("Items");
        var versions = items.GetProperty("PackageVersion").EnumerateArray()
            .ToDictionary(Name, item => item.GetProperty("Version").GetString()!);
        return items.GetProperty("PackageReference").EnumerateArray().ToDictionary(Name, item => versions[Name(item)]);

        static string Name(JsonElement item) => item.GetProperty("Identity").GetString()!;
    }

    private static (int Code, string Output) Build(string project, params string[] arguments) =>
        new SdkCommand(SdkCommand.Sources).Run(["msbuild", project, "-nologo", .. arguments]);
}
