using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The optimiser steps of an autoregressive emulator: it runs ahead from starts drawn from the record, and the mean over leads of its
/// squared errors is minimised. Errors are divided by the variance of all components together: for coefficients of orthonormal modes that
/// is the error of the field.
/// </summary>
internal sealed class MultiStepTraining(AutoregressiveModel model, nn.Module network, LaggedRecord record,
    AutoregressiveEmulatorOptions options, RandomStream random) : OptimiserSteps(model.Name, network, options.Training)
{
    /// <inheritdoc/>
    protected override string Remedy => "A smaller learning rate, fewer trained leads or clipped gradients are the usual remedies.";

    /// <inheritdoc/>
    protected override OptimiserStep Gradient()
    {
        long all = record.Starts * record.Values.size(1), batch = Math.Min(options.Training.BatchSize ?? all, all);
        var starts = (random.Uniform([batch], ScalarType.Float64) * all).to_type(ScalarType.Int64);
        var (windows, coming) = record.Take(starts, model.Window);
        windows = windows + options.InputNoise * record.Deviations * random.Normal(windows.Sizes(), windows.dtype);
        var precision = Parameters[0].dtype;
        var loss = Loss(model, windows.to(precision), coming.to(precision), record.Deviations, options.LeadDiscount);
        double norm = BackPropagate(loss, "The loss");
        return new(loss.ToDouble(), norm, 0);
    }

    /// <summary>Computes the weighted mean over leads of the squared error, as a fraction of the variance.</summary>
    /// <param name="model">The model.</param>
    /// <param name="windows"><c>[rows, W, r]</c>, newest first.</param>
    /// <param name="coming"><c>[rows, leads, r]</c></param>
    /// <param name="deviations"><c>[r]</c></param>
    /// <param name="discount">The factor of the weight from one lead to the next.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Loss(AutoregressiveModel model, Tensor windows, Tensor coming, Tensor deviations, double discount)
    {
        int leads = (int)coming.size(1);
        using var scope = NewDisposeScope();
        var squares = (model.Run(windows.flatten(1), leads) - coming).square().sum(-1).mean([0]);   // [leads]
        var errors = squares / deviations.square().sum().to_type(coming.dtype);
        double[] weights = [.. Enumerable.Range(0, leads).Select(lead => Math.Pow(discount, lead))];
        return (errors * tensor(weights, dtype: errors.dtype, device: errors.device)).sum().div(weights.Sum()).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Move(double learningRate)
    {
        using (no_grad())
            if (options.WeightDecay > 0)
                foreach (var parameter in Parameters)
                    if (parameter.ndim > 1) parameter.mul_(1 - learningRate * options.WeightDecay);
        base.Move(learningRate);
    }

    /// <inheritdoc/>
    public override void Save(ComponentWriter writer)
    {
        base.Save(writer);
        writer.Stream("random", random);
    }

    /// <inheritdoc/>
    public override void Load(ComponentReader reader)
    {
        base.Load(reader);
        reader.Stream("random", random);
    }
}
