using System.Reflection;
using DaML.LibTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Every exposed operator against known values, in both precisions; the differentiable ones against differences.</summary>
public class TensorOperatorTests
{
    private static readonly ScalarType[] precisions = [ScalarType.Float32, ScalarType.Float64];

    private static double Tolerance(ScalarType type) => type == ScalarType.Float64 ? 1e-9 : 2e-5;

    private static void AssertClose(double[] expected, double[] actual, double tolerance, string what)
    {
        Assert.True(expected.Length == actual.Length, $"{what}: {actual.Length} numbers, expected {expected.Length}");
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * (1 + Math.Abs(expected[i])) || expected[i].Equals(actual[i]),
                $"{what}: [{string.Join(", ", actual)}], expected [{string.Join(", ", expected)}]");
    }

    public static TheoryData<string> CaseNames() => [.. OperatorCases.All.Select(c => c.Name).Distinct()];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Gives_the_known_values(string name)
    {
        foreach (var c in OperatorCases.All.Where(c => c.Name == name))
            foreach (var type in precisions)
            {
                using var scope = NewDisposeScope();
                AssertClose(c.Expected, OperatorCases.Numbers(c.Run(new Inputs(type))), c.Loosen * Tolerance(type), $"{name} in {type}");
            }
    }

    public static TheoryData<string> ElementwiseNames() => [.. OperatorCases.Elementwise.Keys];

    [Theory]
    [MemberData(nameof(ElementwiseNames))]
    public void Elementwise_functions_static_forms_and_forms_in_place(string name)
    {
        var (at, f) = OperatorCases.Elementwise[name];
        var expected = Array.ConvertAll(at, x => f(x));
        foreach (var type in precisions)
        {
            using var scope = NewDisposeScope();
            var tolerance = name == "digamma" ? 1e-5 : Tolerance(type);
            var x = tensor(at, type);
            AssertClose(expected, OperatorCases.Numbers(OperatorCases.Unary(name)(x)), tolerance, $"{name} in {type}");
            if (OperatorCases.StaticUnary(name) is { } s)
                AssertClose(expected, OperatorCases.Numbers(s(x)), tolerance, $"torch.{name} in {type}");
            if (typeof(Tensor).GetMethod(name + "_", []) is null) continue;
            var changed = x.clone();
            var returned = OperatorCases.Unary(name + "_")(changed);
            AssertClose(expected, OperatorCases.Numbers(changed), tolerance, $"{name}_ in {type}");
            Assert.NotSame(changed, returned);
            Assert.Equal(changed.Handle, returned.Handle);
            if (OperatorCases.StaticUnary(name + "_") is { } sp)
                AssertClose(expected, OperatorCases.Numbers(sp(x.clone())), tolerance, $"torch.{name}_ in {type}");
        }
    }

    public static TheoryData<string> SmoothNames() => [.. OperatorCases.Elementwise.Keys, .. OperatorCases.SmoothOnes.Select(c => c.Name)];

    private static SmoothCase Smooth(string name) =>
        OperatorCases.SmoothOnes.FirstOrDefault(c => c.Name == name)
        ?? new SmoothCase(name, OperatorCases.Unary(name), i => i.Of(OperatorCases.Elementwise[name].At),
            Second: name != "hardsigmoid");   // libtorch has none

    // the gradient of sum(w f(x)) for fixed weights, as a function of x
    private static Tensor Gradient(Func<Tensor, Tensor> f, Tensor x, bool create)
    {
        var y = f(x);
        var w = linspace(0.5, 1.5, y.numel(), y.dtype).reshape(y.shape);
        var loss = (y * w).sum();
        return loss.requires_grad ? autograd.grad([loss], [x], create_graph: create, allow_unused: true)[0] ?? zeros_like(x) : zeros_like(x);
    }

    private static Tensor Direction(Tensor x) => linspace(-0.7, 0.9, x.numel(), x.dtype).reshape(x.shape);

    [Theory]
    [MemberData(nameof(SmoothNames))]
    public void Derivatives_agree_with_differences(string name)
    {
        using var scope = NewDisposeScope();
        var c = Smooth(name);
        var x = c.At(new Inputs(ScalarType.Float64)).detach();
        var d = Direction(x);
        const double h = 1e-5;

        // first order, reverse
        var leaf = x.clone().requires_grad_();
        var g = Gradient(c.F, leaf, create: false);
        Tensor Loss(Tensor at)
        {
            var y = c.F(at);
            return (y * linspace(0.5, 1.5, y.numel(), y.dtype).reshape(y.shape)).sum();
        }
        var slope = ((Loss(x + d * h) - Loss(x - d * h)) / (2 * h)).ToDouble();
        AssertClose([slope], [(g * d).sum().ToDouble()], 1e-6, $"gradient of {name}");

        // the same in single precision
        var single = x.to(ScalarType.Float32).requires_grad_();
        AssertClose(OperatorCases.Numbers(g), OperatorCases.Numbers(Gradient(c.F, single, create: false)), 2e-3, $"gradient of {name} in single precision");

        // forward mode
        if (c.Forward)
        {
            var (value, product) = ForwardMode.JacobianVectorProduct(c.F, x, d);
            var difference = (c.F(x + d * h) - c.F(x - d * h)) / (2 * h);
            AssertClose(OperatorCases.Numbers(c.F(x)), OperatorCases.Numbers(value), 1e-12, $"value of {name}");
            AssertClose(OperatorCases.Numbers(difference), OperatorCases.Numbers(product), 1e-6, $"tangent of {name}");
        }

        // second order
        if (!c.Second) return;
        var twice = Gradient(c.F, leaf, create: true);
        var curvature = twice.requires_grad ? autograd.grad([(twice * d).sum()], [leaf], allow_unused: true)[0] ?? zeros_like(x) : zeros_like(x);
        var plus = Gradient(c.F, (x + d * h).requires_grad_(), create: false);
        var minus = Gradient(c.F, (x - d * h).requires_grad_(), create: false);
        AssertClose(OperatorCases.Numbers((plus - minus) / (2 * h)), OperatorCases.Numbers(curvature), 2e-6, $"second derivative of {name}");
    }

    [Fact]
    public void Every_operator_called_is_in_this_libtorch()
    {
        // the string literals of every method that calls Ops, read from the compiled code
        var assembly = typeof(torch).Assembly;
        var missing = new SortedSet<string>();
        var found = 0;
        const BindingFlags any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (var type in assembly.GetTypes().Where(t => t != typeof(Ops)))
            foreach (var method in type.GetMethods(any).Cast<MethodBase>().Concat(type.GetConstructors(any)))
            {
                if (method.GetMethodBody()?.GetILAsByteArray() is not { } code) continue;
                var names = new List<string>();   // what looks like an operator's name since the last call
                for (var i = 0; i + 4 < code.Length; i++)
                {
                    var token = BitConverter.ToInt32(code, i + 1);
                    if (code[i] == 0x72 && token >> 24 == 0x70)
                    {
                        try
                        {
                            var text = method.Module.ResolveString(token);
                            if (System.Text.RegularExpressions.Regex.IsMatch(text, @"^[a-z_][a-z_0-9]*(\.\w+)?$")) names.Add(text);
                        }
                        catch (ArgumentException) { }
                    }
                    else if (code[i] == 0x28 && names.Count > 0)
                    {
                        MethodBase? called;
                        try { called = method.Module.ResolveMethod(token, type.GetGenericArguments(), method.IsGenericMethod ? method.GetGenericArguments() : null); }
                        catch (ArgumentException) { continue; }
                        catch (BadImageFormatException) { continue; }
                        if (called?.DeclaringType != typeof(Ops) || !called.Name.StartsWith("Call")) continue;
                        found++;
                        if (!names.Any(Ops.Exists)) missing.Add($"{names[0]} ({type.Name}.{method.Name})");
                        names.Clear();
                    }
                }
            }
        Assert.True(found > 500, $"only {found} calls found");
        Assert.True(missing.Count == 0, $"libtorch {__version__} lacks " + string.Join(", ", missing));
    }

    [Fact]
    public void Every_public_operator_has_a_case()
    {
        var covered = new HashSet<string>(OperatorCases.All.Select(c => c.Name.Split('.')[^1]));
        covered.UnionWith(OperatorCases.Elementwise.Keys);
        covered.UnionWith(OperatorCases.Elsewhere);
        var missing = new SortedSet<string>();
        foreach (var type in (Type[])[typeof(Tensor), typeof(torch), typeof(linalg), typeof(fft)])
            foreach (var m in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                if (m.IsSpecialName || covered.Contains(m.Name)) continue;
                // x_ is covered with x: through the elementwise table or TensorInPlaceTests
                if (m.Name.EndsWith('_') && covered.Contains(m.Name[..^1])) continue;
                missing.Add($"{type.Name}.{m.Name}");
            }
        Assert.True(missing.Count == 0, "no case for " + string.Join(", ", missing));
    }
}
