using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of the training of every learned method: on this machine, loss and gradient in single precision equal those in double
/// precision up to rounding. A library kernel that is wrong on some processor is wrong in one precision only, and a training continues
/// with it, with worse results.
/// </summary>
public abstract class TrainingGradientContract : Contract
{
    /// <summary>
    /// Makes the estimator, by a method of <see cref="DataAssimilationContext.Analysis"/>; its networks in the context's network precision.
    /// </summary>
    protected abstract IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context);

    /// <summary>Makes the data that the estimator learns from; a few trajectories.</summary>
    protected abstract ITrajectoryView CreateTraining(DataAssimilationContext context);

    /// <summary>The number of unrolled cycles (default: 3). With initial random weights, a method must not diverge within them.</summary>
    protected virtual long Cycles => 3;

    /// <summary>
    /// The largest error of loss and gradients, relative to their norms (default: 1e-4). One rounding is 6e-8. Some thousand roundings
    /// follow each other in three cycles of a model and a network, which makes 6e-5 if all err to the same side. DaML's own methods stay
    /// below 1e-6, since roundings cancel; the error of a wrong convolution was 0.2 and more. A deeper network, a longer unrolling or a
    /// chaotic model with long steps may need more.
    /// </summary>
    protected virtual double Tolerance => 1e-4;

    /// <summary>Loss and gradients agree in both precisions, separately for each parameter.</summary>
    [Fact]
    public void Its_gradient_in_single_precision_is_that_in_double_precision()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var (name, inSingle) = Estimator(context);
        var (_, inDouble) = Estimator(new DataAssimilationContext(context.Options with { NetworkPrecision = ScalarType.Float64 }));
        var data = CreateTraining(context);
        var single = inSingle.Gradient(data, Cycles);
        var exact = inDouble.Gradient(data, Cycles, at: single);
        double off = Math.Abs(single.Loss - exact.Loss) / Math.Abs(exact.Loss);
        Demand(off <= Tolerance, name, "precision",
            $"its loss is {single.Loss:g6} in single precision and {exact.Loss:g6} in double precision, {off:g3} off; at most " +
                $"{Tolerance:g2} is allowed.");
        double whole = Math.Sqrt(exact.Gradients.Values.Sum(gradient => gradient.square().sum().ToDouble()));
        Demand(whole > 0, name, "precision", "its gradient is zero.");
        foreach (var (parameter, gradient) in exact.Gradients)
        {
            // A gradient that is zero in exact arithmetic, like that of a bias before a normalisation, is measured relative to the others.
            off = (single.Gradients[parameter].to(ScalarType.Float64) - gradient).norm()
                .ToDouble() / Math.Max(gradient.norm().ToDouble(), 1e-2 * whole);
            Demand(off <= Tolerance, name, "precision",
                $"its gradient by '{parameter}' is {off:g3} of its norm off in single precision; at most {Tolerance:g2} is allowed.");
        }
    }

    private (string Name, ITrainingGradient Gradient) Estimator(DataAssimilationContext context)
    {
        var estimator = CreateEstimator(context);
        return (estimator.Name, estimator as ITrainingGradient ??
            throw new ConformanceException(estimator.Name, "precision",
                $"it is made by no method of {nameof(DataAssimilationContext)}.{nameof(DataAssimilationContext.Analysis)}, so its " +
                    $"gradient is not known."));
    }
}
