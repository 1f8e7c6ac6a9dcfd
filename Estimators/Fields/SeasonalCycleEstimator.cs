using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Settings of a <see cref="SeasonalCycleEstimator"/>, with their defaults.</summary>
public sealed record SeasonalCycleOptions
{
    /// <summary>The number of harmonics of the year (0 gives the mean alone).</summary>
    public int Harmonics { get; init; } = 2;

    /// <summary>The length of the year in the view's unit of time: the mean Gregorian year in days.</summary>
    public double Period { get; init; } = 365.2425;
}

/// <summary>
/// Learns the seasonal cycle of every grid point by least squares and gives a transformer that adds the anomaly from it
/// (Narapusetty et al. 2009, J. Climate 22, 4845-4859). It sums the normal equations in one pass and holds 1 + 2 harmonics fields,
/// never the record.
/// </summary>
/// <param name="field">The column whose seasonal cycle is learned, <c>[n]</c>.</param>
/// <param name="anomaly">The column that the transformer adds, <c>[n]</c>.</param>
/// <param name="options">Harmonics and period.</param>
public sealed class SeasonalCycleEstimator(Column field, Column anomaly, SeasonalCycleOptions? options = null)
    : IEstimator<SeasonalCycleTransformer>
{
    private readonly SeasonalCycleOptions options = Check(options ?? new SeasonalCycleOptions());

    /// <inheritdoc/>
    public string Name => "seasonal cycle";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = SchemaContract.OfAnySize(field, anomaly);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view never ends, a value is missing or non-finite, or the times cannot distinguish the
    /// harmonics (less than about a year).</exception>
    public SeasonalCycleTransformer Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        int size = 1 + 2 * options.Harmonics;
        Tensor normal = zeros(size, size, dtype: ScalarType.Float64); // D^T D, D [samples, size] the harmonics at the samples' times
        Tensor? projected = null;                                     // D^T X, X [samples, n] the field
        long cycles = TrainingData.Read(data, field, Name, cancellation, (time, value) =>
        {
            projected ??= zeros([size, value.size(1)], dtype: ScalarType.Float64, device: value.device).MoveToOuterDisposeScope();
            var basis = tensor(SeasonalCycle.Basis(time, options.Period, options.Harmonics));
            normal.add_(outer(basis, basis) * value.size(0));
            projected.add_(outer(basis.to(value.device), value.sum([0])));
        });
        double smallest = (linalg.eigvalsh(normal) / normal[0, 0]).min().ToDouble();
        if (!(smallest > 1e-3))
            throw new ArgumentException(
                $"{Name}: the {cycles} cycles do not determine {options.Harmonics} harmonics of a period of {options.Period}; they " +
                    $"should cover a whole period.", nameof(data));
        var coefficients = linalg.solve(normal.to(projected!.device), projected);
        return new SeasonalCycleTransformer(new SeasonalCycle(coefficients, options.Period), SeasonalCycleDirection.Remove, field, anomaly);
    }

    private static SeasonalCycleOptions Check(SeasonalCycleOptions options)
    {
        Require.NotNegative(options.Harmonics);
        Require.Positive(options.Period);
        return options;
    }
}
