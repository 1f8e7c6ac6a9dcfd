using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Adam (Kingma and Ba 2015) with steps in one pass over the parameters' memory instead of a dozen small operators for each parameter.
/// The arithmetic, and what is saved, are those of <see cref="TorchSharp.Modules.Adam"/>, whose name it shares because the name is saved
/// too. That optimiser does the step if a parameter is not in the CPU's memory.
/// </summary>
/// <param name="optimised">The parameters to optimise.</param>
/// <param name="learningRate">The initial learning rate.</param>
internal sealed class Adam(Parameter[] optimised, double learningRate) : TorchSharp.Modules.Adam(optimised, lr: learningRate)
{
    // Held from the clipping to the step: a handle costs as much as a pass over a bias.
    private readonly Tensor?[] gradients = new Tensor?[optimised.Length];
    private bool isHolding;

    /// <inheritdoc/>
    public override void zero_grad()
    {
        Hold();
        foreach (var gradient in gradients)
        {
            if (gradient is null) continue;
            if (GradientMemory.Serves(gradient)) gradient.bytes.Clear();
            else gradient.zero_();
        }
        Release();
    }

    /// <summary>Clips the gradient of all parameters together to a norm, as <c>clip_grad_norm_</c> does.</summary>
    /// <param name="limit">The largest norm.</param>
    /// <returns>The norm before clipping.</returns>
    public double ClipGradient(double limit)
    {
        Hold();
        if (!InMemory()) return nn.utils.clip_grad_norm_(optimised, limit);
        double squares = 0;
        foreach (var gradient in gradients)
            if (gradient is not null)
                squares += gradient.dtype == ScalarType.Float64 ? GradientMemory.Squares<double>(gradient)
                    : GradientMemory.Squares<float>(gradient);
        double norm = Math.Sqrt(squares), factor = Math.Min(limit / (norm + 1e-6), 1);
        if (factor == 1) return norm;
        foreach (var gradient in gradients)
        {
            if (gradient is null) continue;
            if (gradient.dtype == ScalarType.Float64) GradientMemory.Scale(gradient, factor);
            else GradientMemory.Scale(gradient, (float)factor);
        }
        return norm;
    }

    /// <summary>Saves moments and step counts.</summary>
    public void Save(ComponentWriter writer)
    {
        using var stream = new MemoryStream();
        using (var binary = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true)) save_state_dict(binary);
        writer.Tensor("optimizer", tensor(stream.ToArray()));
    }

    /// <summary>Restores the state at <see cref="Save"/>.</summary>
    public void Load(ComponentReader reader)
    {
        using var bytes = reader.Tensor("optimizer");
        using var binary = new BinaryReader(new MemoryStream(bytes.ToArray<byte>()));
        load_state_dict(binary);
    }

    /// <inheritdoc/>
    /// <remarks>Parameters are written without autograd's knowledge: no graph that saved them may be back-propagated afterwards. No graph
    /// of a step outlives it.</remarks>
    public override Tensor step(Func<Tensor>? closure = null)
    {
        if (!isHolding) Hold();
        bool inMemory = closure is null && InMemory();
        if (inMemory) StepInMemory((Options)_parameter_groups[0].Options);     // there is one group
        Release();
        return inMemory ? null! : base.step(closure);    // null as every optimiser without a closure
    }

    private void StepInMemory(Options options)
    {
        for (int i = 0; i < optimised.Length; i++)
        {
            if (gradients[i] is not { } gradient) continue;
            var parameter = optimised[i];
            var state = (State)_state[parameter.Handle];
            state.step++;
            if (parameter.dtype == ScalarType.Float64) Step<double>(parameter, gradient, state, options);
            else Step<float>(parameter, gradient, state, options);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Release();
        base.Dispose(disposing);
    }

    private void Hold()
    {
        Release();
        for (int i = 0; i < optimised.Length; i++) gradients[i] = optimised[i].grad?.DetachFromDisposeScope();
        isHolding = true;
    }

    private void Release()
    {
        for (int i = 0; i < gradients.Length; i++)
        {
            gradients[i]?.Dispose();
            gradients[i] = null;
        }
        isHolding = false;
    }

    private bool InMemory()
    {
        for (int i = 0; i < optimised.Length; i++)
            if (!GradientMemory.Serves(optimised[i], gradients[i])) return false;
        return true;
    }

    private static void Step<T>(Parameter parameter, Tensor gradient, State state, Options options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        double beta1 = options.beta1!.Value, beta2 = options.beta2!.Value;
        double rate = options.LearningRate!.Value / (1 - Math.Pow(beta1, state.step)), root = Math.Sqrt(1 - Math.Pow(beta2, state.step));
        Span<T> x = KernelMemory.Elements<T>(parameter), g = KernelMemory.Elements<T>(gradient),
            m = KernelMemory.Elements<T>(state.exp_avg), v = KernelMemory.Elements<T>(state.exp_avg_sq);
        T b1 = T.CreateChecked(beta1), a1 = T.CreateChecked(1 - beta1), b2 = T.CreateChecked(beta2), a2 = T.CreateChecked(1 - beta2);
        T size = T.CreateChecked(rate), correction = T.CreateChecked(root), epsilon = T.CreateChecked(options.eps!.Value);
        Span<Vector256<T>> xs = MemoryMarshal.Cast<T, Vector256<T>>(x), gs = MemoryMarshal.Cast<T, Vector256<T>>(g),
            ms = MemoryMarshal.Cast<T, Vector256<T>>(m), vs = MemoryMarshal.Cast<T, Vector256<T>>(v);
        Vector256<T> sizes = Vector256.Create(size), corrections = Vector256.Create(correction), epsilons = Vector256.Create(epsilon);
        for (int i = 0; i < xs.Length; i++)
        {
            var moment = ms[i] = ms[i] * b1 + gs[i] * a1;
            var square = vs[i] = vs[i] * b2 + gs[i] * gs[i] * a2;
            xs[i] -= sizes * moment / (Vector256.Sqrt(square) / corrections + epsilons);
        }
        for (int i = xs.Length * Vector256<T>.Count; i < x.Length; i++)
        {
            var moment = m[i] = m[i] * b1 + g[i] * a1;
            var square = v[i] = v[i] * b2 + g[i] * g[i] * a2;
            x[i] -= size * moment / (T.Sqrt(square) / correction + epsilon);
        }
    }
}
