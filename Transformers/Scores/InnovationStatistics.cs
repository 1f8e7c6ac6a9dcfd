using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Compares a filter's innovations d = y - H(m) with the distribution it predicts for them, N(0, S), S = H P H^T + R: the
/// test of a filter that needs no truth (Talagrand 1999; Desroziers et al. 2005). If the filter's covariances are right,
/// the normalised innovations S^(-1/2) d are independent standard normal numbers and chi^2 / p is one in the mean.
/// </summary>
/// <param name="observationOperator">H; linearised at the forecast's mean.</param>
/// <param name="observationError">R</param>
public sealed class InnovationStatistics(IObservationOperator observationOperator, IErrorCovariance observationError)
{
    private readonly List<double> normalised = [];
    private readonly List<double> chiSquares = [];
    private double squares, predicted;

    /// <summary>Number of innovations taken in.</summary>
    public int Count => normalised.Count;

    /// <summary>The normalised innovations, cycle by cycle.</summary>
    public IReadOnlyList<double> Normalised => normalised;

    /// <summary>d^T S^-1 d / p of every trajectory and cycle, p the number of its observations; cycles without any are left out.</summary>
    public IReadOnlyList<double> ChiSquares => chiSquares;

    /// <summary>Root mean square of the innovations, in the observations' unit.</summary>
    public double RootMeanSquare => Math.Sqrt(squares / Counted);

    /// <summary>What the filter predicts for it: the root of the mean diagonal element of S.</summary>
    public double PredictedRootMeanSquare => Math.Sqrt(predicted / Counted);

    /// <summary>The mean of <see cref="ChiSquares"/>; one is predicted.</summary>
    public double MeanChiSquare => normalised.Sum(value => value * value) / Counted;

    /// <summary>Mean of the normalised innovations; zero is predicted.</summary>
    public double Mean => normalised.Sum() / Counted;

    /// <summary>Kurtosis of the normalised innovations; 3 is predicted.</summary>
    public double Kurtosis
    {
        get
        {
            double mean = Mean, second = normalised.Sum(value => Math.Pow(value - mean, 2)) / Counted;
            return normalised.Sum(value => Math.Pow(value - mean, 4)) / Counted / (second * second);
        }
    }

    private int Counted => Count > 0 ? Count : throw new InvalidOperationException("No innovation was taken in yet.");

    /// <summary>Takes in the innovations of a cycle.</summary>
    /// <param name="forecast">The density of the state before the observation was used.</param>
    /// <param name="observation">The observation.</param>
    public void Add(IDensity forecast, Observation observation)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (m, covariance) = (forecast.Mean, forecast.Covariance);
        long batch = m.size(0), n = m.size(1), p = observationOperator.ObservationDimension;
        var rows = m.unsqueeze(1);
        // Row i of H'(P e_i) is (P H^T)_i.
        var cross = observationOperator.TangentLinear(rows.expand(batch, n, n), covariance).transpose(-2, -1).contiguous(); // H P, [batch, p, n]
        var s = observationOperator.TangentLinear(rows.expand(batch, p, n), cross) + observationError.ToMatrix(m.dtype, m.device);
        var d = observation.Values - observationOperator.Apply(m);
        for (long b = 0; b < batch; b++)
        {
            // With S = C C^T the normalised innovations are C^-1 d; of what is missing, rows and columns are left out.
            var here = observation.Mask is null ? arange(p, device: m.device) : observation.Mask[b].nonzero().squeeze(1);
            if (here.size(0) == 0) continue;
            var innovation = d[b].index_select(0, here);
            var spread = s[b].index_select(0, here).index_select(1, here);
            var factor = linalg.cholesky(0.5 * (spread + spread.mT));
            double[] white = linalg.solve_triangular(factor, innovation.unsqueeze(1), upper: false).squeeze(1).to(ScalarType.Float64).ToArray<double>();
            normalised.AddRange(white);
            chiSquares.Add(white.Sum(value => value * value) / white.Length);
            squares += innovation.square().sum().ToDouble();
            predicted += spread.diagonal().sum().ToDouble();
        }
    }
}
