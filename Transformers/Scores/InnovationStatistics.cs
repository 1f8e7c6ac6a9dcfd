using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Compares a filter's innovations d = y - H(m) with their predicted distribution, N(0, S), S = H P H^T + R. This tests a filter without
/// a truth (Talagrand 1999; Desroziers et al. 2005). If the filter's covariances are right, the normalised innovations S^(-1/2) d are
/// independent standard normal numbers and the mean of chi^2 / p is one. It keeps every innovation, for histograms and moments; the score
/// <see cref="InnovationChiSquare"/> averages chi^2 / p alone, in flat memory.
/// </summary>
/// <param name="observationOperator">H; linearised at the forecast's mean.</param>
/// <param name="observationError">R</param>
public sealed class InnovationStatistics(IObservationOperator observationOperator, IErrorCovariance observationError)
{
    private readonly List<double> normalised = [];
    private readonly List<double> chiSquares = [];
    private double squares, predicted;

    /// <summary>The number of innovations added.</summary>
    public int Count => normalised.Count;

    /// <summary>The normalised innovations, cycle by cycle.</summary>
    public IReadOnlyList<double> Normalised => normalised;

    /// <summary>d^T S^-1 d / p of every trajectory and cycle, with p the number of its observations; cycles without any are left
    /// out.</summary>
    public IReadOnlyList<double> ChiSquares => chiSquares;

    /// <summary>The root mean square of the innovations, in the observations' unit.</summary>
    public double RootMeanSquare => Math.Sqrt(squares / Counted);

    /// <summary>The filter's prediction of it: the root of the mean diagonal element of S.</summary>
    public double PredictedRootMeanSquare => Math.Sqrt(predicted / Counted);

    /// <summary>The mean of <see cref="ChiSquares"/>; the prediction is one.</summary>
    public double MeanChiSquare => normalised.Sum(value => value * value) / Counted;

    /// <summary>The mean of the normalised innovations; the prediction is zero.</summary>
    public double Mean => normalised.Sum() / Counted;

    /// <summary>The kurtosis of the normalised innovations; the prediction is 3.</summary>
    public double Kurtosis
    {
        get
        {
            double mean = Mean, second = normalised.Sum(value => Math.Pow(value - mean, 2)) / Counted;
            return normalised.Sum(value => Math.Pow(value - mean, 4)) / Counted / (second * second);
        }
    }

    private int Counted => Count > 0 ? Count : throw new InvalidOperationException("No innovation was added yet.");

    /// <summary>Adds the innovations of a cycle.</summary>
    /// <param name="forecast">The density of the state before the observation is used.</param>
    /// <param name="observation">The observation.</param>
    /// <exception cref="ArithmeticException">The covariance predicted for the innovations is singular or non-finite.</exception>
    public void Add(IDensity forecast, Observation observation)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var mean = forecast.Mean;
        // W, P = W^T W
        var root = DensityRoot.Of(forecast);
        var error = observationError.ToMatrix(mean.dtype, mean.device);
        var observed = observationOperator.TangentLinear(mean.unsqueeze(1).expand(root.Sizes()), root.contiguous());          // W H^T
        var innovations = PredictedInnovations.Like(observation, mean).Values - observationOperator.Apply(mean);
        for (long b = 0; b < mean.size(0); b++)
        {
            // Columns of missing observations are left out.
            var here = observation.Mask is null ? arange(error.size(0), device: mean.device) : observation.Mask[b].nonzero().squeeze(1);
            if (here.size(0) == 0) continue;
            var innovation = innovations[b].index_select(0, here);
            // S = C C^T with C^T the triangle of the roots of R and H P H^T: the normalised innovations are C^-1 d.
            var rows = cat([CovarianceRoot.Of(error.index_select(0, here).index_select(1, here)), observed[b].index_select(1, here)], 0);
            var triangle = Triangle(rows, here);
            double[] white = linalg.solve_triangular(triangle.mT, innovation.unsqueeze(1), upper: false).squeeze(1).to(ScalarType.Float64)
                .ToArray<double>();
            normalised.AddRange(white);
            chiSquares.Add(white.Sum(value => value * value) / white.Length);
            squares += innovation.square().sum().ToDouble();
            predicted += rows.square().sum().ToDouble();
        }
    }

    // C^T with a diagonal above zero.
    private static Tensor Triangle(Tensor rows, Tensor here)
    {
        if (!FiniteNumbers.All(rows))
            throw new ArithmeticException(
                "The covariance predicted for the innovations is not finite: the forecast's density, or the observation operator " +
                    "linearised at its mean, gave values that are not.");
        var (_, triangle) = linalg.qr(rows, linalg.QRMode.R);
        var pivots = triangle.diagonal().abs();
        var roundOff = rows.square().sum([0]).sqrt() * (rows.size(0) * (rows.dtype == ScalarType.Float64 ? 2.3e-16 : 1.2e-7));
        var certain = pivots <= roundOff;
        if (certain.any().ToBoolean())
            throw new ArithmeticException(
                $"The covariance H P H^T + R predicted for the innovations is singular: observation " +
                    $"{here[certain.to(ScalarType.Int64).argmax()].ToInt64()} (from 0) " +
                "follows from those before it without error. Give every observation an error variance above zero, or use double " +
                    "precision.");
        return triangle * triangle.diagonal().sign().unsqueeze(-1);
    }
}
