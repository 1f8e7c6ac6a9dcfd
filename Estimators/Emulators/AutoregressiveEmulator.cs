using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A learned model that continues from several past values: with c(t) of r components, the last L of them and the coming D,
/// <code>(c(t + h), ..., c(t + D h)) = s A z / s + s network(z / s),   z = (c(t), c(t - h), ..., c(t - (L - 1) h))</code>
/// with units s, an optional linear baseline A (the residual form: the network then learns the error of the baseline) and an optional
/// network. As a <see cref="IDynamics"/> its state is the window of the last W values, newest first, W being the largest of L, D and the
/// lags of A, so that every filter and variational method accepts it. One application is D h long: with D = 1 (recurrent) it advances day
/// by day, with D above 1 (one-shot) its state holds the D days of one application.
/// </summary>
[Component("autoregressive-emulator")]
public sealed class AutoregressiveEmulator : DiscreteDynamics, IComponentState
{
    private readonly ConstantTensor units;
    private readonly ConstantTensor? baseline;
    private readonly ScalarType precision;

    /// <summary>Makes a model.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="lags">L, the number of past values that the network sees, at least 1; without a network, those of the
    /// baseline.</param>
    /// <param name="leads">D, the number of values that one application gives, at least 1.</param>
    /// <param name="interval">h, the time from one value to the next.</param>
    /// <param name="units">s, <c>[r]</c>, the unit of each component for network and baseline; above zero; copied.</param>
    /// <param name="network">Any module <c>[rows, L, r]</c>, oldest first, to <c>[rows, D, r]</c>, both in units of s (default: null,
    /// none). It belongs to the model from then on. To be saved it must be a component (<see cref="ComponentAttribute"/>).</param>
    /// <param name="baseline">A, <c>[D r, lags r]</c> for any number of lags, newest first, in units of s (default: null, none);
    /// copied.</param>
    /// <exception cref="ArgumentException">There is neither network nor baseline, the shapes do not match, or a number is not above
    /// zero.</exception>
    /// <exception cref="WrongConvolutionException">The network has convolutions, and libtorch's are wrong on this CPU.</exception>
    public AutoregressiveEmulator(string name, int lags, int leads, double interval, Tensor units, nn.Module<Tensor, Tensor>? network,
        Tensor? baseline = null)
        : base(Values(units) * WindowOf(lags, leads, units, baseline), leads * Require.Positive(interval))
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (network is null && baseline is null)
            throw new ArgumentException($"'{name}' needs a network, a linear baseline or both.", nameof(network));
        (Name, Lags, Leads, Interval, Network) = (name, lags, leads, interval, network);
        ValueCount = units.size(0);
        this.units = new ConstantTensor(units);
        if (baseline is not null) this.baseline = new ConstantTensor(Require.Finite(baseline, "The linear baseline"));
        if (network is null) return;
        precision = ModuleState.PrecisionOf(network, ScalarType.Float32);
        ModuleState.RequireRightConvolutions(network);
        ModuleTensors.Keep(network);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>L, the number of past values that the network sees.</summary>
    public int Lags { get; }

    /// <summary>D, the number of values that one application gives.</summary>
    public int Leads { get; }

    /// <summary>h, the time from one value to the next.</summary>
    public double Interval { get; }

    /// <summary>r, the number of values at each time.</summary>
    public long ValueCount { get; }

    /// <summary>W, the number of values that its state holds: the largest of L, D and the lags of the baseline.</summary>
    public int Window => (int)(Dimension / ValueCount);

    /// <summary>s, the unit of each component, <c>[r]</c>; it belongs to the model.</summary>
    public Tensor Units => units.Value;

    /// <summary>A, the linear baseline, <c>[D r, lags r]</c>; null = none. It belongs to the model.</summary>
    public Tensor? Baseline => baseline?.Value;

    /// <summary>The network; it must not change once the model is in use.</summary>
    public nn.Module<Tensor, Tensor>? Network { get; }

    /// <summary>The record of the training; null if it was not trained here.</summary>
    [Saved("hasHistory"), Inlined]
    public TrainingHistory? History { get; internal set; }

    /// <summary>The same model with an error.</summary>
    /// <param name="modelError">Q of one application, of the state's dimension: zero except for the D newest values.</param>
    public AutoregressiveEmulator WithModelError(IErrorCovariance modelError) =>
        new(Name, Lags, Leads, Interval, Units, Network, Baseline) { ModelError = modelError, History = History };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The network gives another shape.</exception>
    protected override Tensor Step(Tensor state, double time)
    {
        var window = state.reshape(-1, Window, ValueCount);                  // newest first
        var unit = units.Like(state);
        var coming = Coming(window / unit) * unit;                           // [rows, D, r], in order of time
        var newest = Leads == 1 ? coming : coming.flip(1);
        var next = Leads == Window ? newest : cat([newest, window.narrow(1, 0, Window - Leads)], 1);
        return next.reshape(state.Sizes());
    }

    private Tensor Coming(Tensor scaled)
    {
        long rows = scaled.size(0);
        var linear = baseline is null ? null
            : matmul(scaled.flatten(1).narrow(1, 0, baseline.Value.size(1)), baseline.Like(scaled).mT).reshape(rows, Leads, ValueCount);
        if (Network is null) return linear!;
        var seen = scaled.narrow(1, 0, Lags).flip(1).to(precision);
        var learned = Require.Shape(Called(Network, seen), $"The output of the network of {Name} for windows", rows, Leads, ValueCount)
            .to(scaled.dtype);
        return linear is null ? learned : linear + learned;
    }

    // libtorch's own message names neither the network nor its window.
    private Tensor Called(nn.Module<Tensor, Tensor> network, Tensor window)
    {
        try { return network.call(window); }
        catch (ExternalException exception)
        {
            throw new ArgumentException($"The network of {Name} failed on windows of shape {window.DescribeSizes()} (rows, lags, " +
                $"values) in {window.dtype}: {exception.Message.Split('\n')[0].Trim()}. It must return values of shape [rows, {Leads}, " +
                $"{ValueCount}].", exception);
        }
    }

    private static long Values(Tensor units)
    {
        const string What = "The units of an autoregressive emulator";
        Require.Shape(units, What, ColumnDefinition.AnySize);
        using var scope = NewDisposeScope();
        Require.Finite(units, What);
        double smallest = units.min().ToDouble();
        return smallest > 0 ? units.size(0)
            : throw new ArgumentException($"{What} must be above zero; the smallest given is {smallest:g4}.", nameof(units));
    }

    private static long WindowOf(int lags, int leads, Tensor units, Tensor? baseline)
    {
        Require.AtLeast(lags, 1);
        Require.AtLeast(leads, 1);
        long r = units.size(0);
        if (baseline is null) return Math.Max(lags, leads);
        Require.Shape(baseline, "The linear baseline", leads * r, ColumnDefinition.AnySize);
        return baseline.size(1) >= r && baseline.size(1) % r == 0 ? Math.Max(Math.Max(lags, leads), baseline.size(1) / r)
            : throw new ArgumentException($"The number of columns of the linear baseline must be a multiple of {r}, the components of " +
                $"a value; given: {baseline.size(1)}.", nameof(baseline));
    }

    void IComponentState.Load(ComponentReader reader)
    {
        if (Network is not null) ModuleState.Freeze(Network);
    }
}
