using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Compares a filter with the exact Kalman filter on the same linear-Gaussian data: errors, spread, innovations and the mean difference
/// of the two.
/// </summary>
internal sealed class FilterConsistency
{
    private const long Batch = 64, Cycles = 40, BurnIn = 8;

    /// <summary>The root-mean-square error of the analysis, relative to that of the Kalman filter.</summary>
    public double ErrorRatio { get; }

    /// <summary>The filter's mean variance, relative to that of the Kalman filter; NaN if the filter gives none.</summary>
    public double VarianceRatio { get; } = double.NaN;

    /// <summary>
    /// The mean square of errors over the filter's standard deviations, which is one for a consistent filter; NaN if it gives none.
    /// </summary>
    public Mean ErrorChiSquare { get; } = new(double.NaN, 0);

    /// <summary>
    /// The mean square of innovations over their predicted standard deviations, which is one for a consistent filter; NaN if it gives none.
    /// </summary>
    public Mean InnovationChiSquare { get; } = new(double.NaN, 0);

    /// <summary>A mean with its standard error over independent trajectories.</summary>
    public readonly record struct Mean(double Value, double StandardError);

    /// <summary>The largest mean difference from the Kalman filter's analysis, in its standard deviations.</summary>
    public double Bias { get; }

    /// <summary>The standard error of that mean, over independent trajectories.</summary>
    public double BiasStandardError { get; }

    public FilterConsistency(DataAssimilationContext context, LinearGaussianProblem problem, ITransformer filter)
    {
        using var scope = NewDisposeScope();
        using var data = problem.Data(context, Batch, Cycles).Materialise();
        var exact = context.Analysis.KalmanFilter(problem.System).Transform(data);
        var tested = filter.Transform(data);
        bool hasSpread = tested.Schema.Has(Columns.AnalysisSpread), hasMask = data.Schema.Has(Columns.ObservationMask);
        double squares = 0, exactSquares = 0, variances = 0, exactVariances = 0;
        Tensor chiSquare = zeros(Batch, dtype: ScalarType.Float64), innovationSquare = zeros_like(chiSquare),
            innovations = zeros_like(chiSquare);
        var difference = zeros(Batch, LinearGaussianProblem.Dimension, dtype: ScalarType.Float64);
        using ITrajectoryCursor a = tested.OpenCursor(), b = exact.OpenCursor();
        while (a.MoveNext() && b.MoveNext())
        {
            using var cycle = NewDisposeScope();
            if (a.Cycle < BurnIn) continue;
            Tensor truth = a[Columns.Truth], error = a[Columns.Analysis].to_type(ScalarType.Float64) - truth,
                exactError = b[Columns.Analysis] - truth;
            squares += error.square().sum().ToDouble();
            exactSquares += exactError.square().sum().ToDouble();
            difference.add_((error - exactError) / b[Columns.AnalysisSpread]);
            if (!hasSpread) continue;
            var variance = a[Columns.AnalysisSpread].to_type(ScalarType.Float64).square();
            variances += variance.sum().ToDouble();
            exactVariances += b[Columns.AnalysisSpread].square().sum().ToDouble();
            chiSquare.add_((error.square() / variance).mean([-1]));
            var innovation = a[Columns.Observation] - problem.Operator.Apply(a[Columns.Forecast].to_type(ScalarType.Float64));
            var predicted = problem.Operator.Apply(a[Columns.ForecastSpread].to_type(ScalarType.Float64).square())
                + tensor(problem.Variances);
            var observed = hasMask ? a[Columns.ObservationMask].to_type(ScalarType.Float64) : ones_like(innovation);
            innovationSquare.add_((innovation.square() / predicted * observed).sum([-1]));
            innovations.add_(observed.sum([-1]));
        }
        const long count = Cycles - BurnIn;
        ErrorRatio = Math.Sqrt(squares / exactSquares);
        difference = difference / count;
        var mean = difference.mean([0]).abs();
        long worst = mean.argmax().ToInt64();
        Bias = mean[worst].ToDouble();
        BiasStandardError = difference.std(0, unbiased: true)[worst].ToDouble() / Math.Sqrt(Batch);
        if (!hasSpread) return;
        VarianceRatio = variances / exactVariances;
        ErrorChiSquare = Over(chiSquare / count);
        InnovationChiSquare = Over(innovationSquare / innovations);
    }

    private static Mean Over(Tensor trajectories) =>
        new(trajectories.mean().ToDouble(), trajectories.std(unbiased: true).ToDouble() / Math.Sqrt(Batch));
}
