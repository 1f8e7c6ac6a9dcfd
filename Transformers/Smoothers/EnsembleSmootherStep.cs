using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The backward step of the ensemble Rauch-Tung-Striebel smoother (Raanes 2016, Q. J. R. Meteorol. Soc. 142, 1259-1264), member by member:
/// <code>E_s = E_a + (E_s' - E_f) X_f^+ X_a</code>
/// with the anomalies X of analysis and forecast, whose members correspond one by one, and f and s as in
/// <see cref="RauchTungStriebelStep"/>. It serves models with error or without; it neither runs nor linearises the model. With no more
/// members than components it is the ensemble Kalman smoother (Evensen and van Leeuwen 2000) of a filter that transforms its ensemble
/// linearly.
/// </summary>
[Component("ensemble-smoother-step")]
public sealed class EnsembleSmootherStep : IBackwardStep<EnsembleMemory>
{
    /// <inheritdoc/>
    public EnsembleMemory Back(EnsembleMemory analysis, EnsembleMemory forecast, EnsembleMemory smoothed, TimeInterval interval)
    {
        using var scope = NewDisposeScope();
        Tensor ofAnalysis = Differences(analysis.Members), ofForecast = Differences(forecast.Members);
        // Components are scaled to one size, so that their units do not decide which directions count.
        var scale = ofForecast.square().mean([1], keepdim: true).sqrt();
        scale = where(scale > 0, scale, ones_like(scale));
        double tolerance = Math.Max(ofForecast.size(1), ofForecast.size(2)) * (ofForecast.dtype == ScalarType.Float64 ? 1e-13 : 1e-6);
        // [batch, n, N - 1]
        var inverse = linalg.pinv(ofForecast / scale, rtol: tolerance);
        // [batch, N, n]
        var changes = (smoothed.Members - forecast.Members) / scale;
        // The smaller of the two matrices between: [n, n] or [N, N - 1].
        var increments = inverse.size(1) < inverse.size(2) ? changes.matmul(inverse.matmul(ofAnalysis))
            : changes.matmul(inverse).matmul(ofAnalysis);
        return new((analysis.Members + increments).MoveToOuterDisposeScope());
    }

    // N - 1 orthonormal combinations of the members that are orthogonal to their mean, [batch, N - 1, n]: by the reflection of e_1 to
    // ones / sqrt(N). Their products are those of the anomalies, whose own matrix has a singular value that is zero except for round-off.
    private static Tensor Differences(Tensor members)
    {
        long count = members.size(1);
        var v = members.new_full([count, 1], 1 / Math.Sqrt(count));
        v[0] -= 1;
        var reflected = members - v * (v * members).sum([1], keepdim: true) * (2 / v.square().sum().ToDouble());
        return reflected.narrow(1, 1, count - 1);
    }
}
