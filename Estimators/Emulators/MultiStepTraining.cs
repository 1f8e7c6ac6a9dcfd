using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The optimiser steps of an autoregressive emulator: it runs ahead from starts drawn from the record, and the mean over leads of its
/// squared errors is minimised. Errors are divided by the variance of all components together: for coefficients of orthonormal modes that
/// is the error of the field.
/// </summary>
internal sealed class MultiStepTraining : IOptimiserSteps, IDisposable
{
    private const int SkippedLimit = 100;

    private readonly AutoregressiveModel model;
    private readonly LaggedRecord record;
    private readonly AutoregressiveEmulatorOptions options;
    private readonly RandomStream random;
    private readonly ScalarType precision;
    private readonly Parameter[] parameters;
    private readonly Adam optimizer;
    private readonly long batch;
    private int skippedInARow;

    public MultiStepTraining(AutoregressiveModel model, nn.Module network, LaggedRecord record, AutoregressiveEmulatorOptions options,
        RandomStream random)
    {
        (this.model, this.record, this.options, this.random) = (model, record, options, random);
        parameters = [.. network.parameters().Where(parameter => parameter.requires_grad)];
        precision = parameters[0].dtype;
        long starts = record.Starts * record.Values.size(1);
        batch = Math.Min(options.Training.BatchSize ?? starts, starts);
        optimizer = new Adam(parameters, options.Training.LearningRate);
    }

    /// <inheritdoc/>
    /// <exception cref="DivergenceException">A hundred steps in a row gave no finite loss.</exception>
    public OptimiserStep Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        foreach (var group in optimizer.ParamGroups) group.LearningRate = learningRate;
        var starts = (random.Uniform([batch], ScalarType.Float64) * (record.Starts * record.Values.size(1))).to_type(ScalarType.Int64);
        var (windows, coming) = record.Take(starts, model.Window);
        windows = windows + options.InputNoise * record.Deviations * random.Normal(windows.Sizes(), windows.dtype);
        optimizer.zero_grad();
        var loss = Loss(model, windows.to(precision), coming.to(precision), record.Deviations, options.LeadDiscount);
        Differentiation.BackPropagate(loss, "The loss");
        double norm = optimizer.ClipGradient(options.Training.GradientClip), value = loss.ToDouble();
        bool finite = double.IsFinite(value) && double.IsFinite(norm);
        if (finite) Move(learningRate);
        skippedInARow = finite ? 0 : skippedInARow + 1;
        if (skippedInARow == SkippedLimit)
            throw new DivergenceException($"The training of {model.Name}",
                $"last of {SkippedLimit} optimiser steps without a finite loss", 0, 0,
                FiniteNumbers.All(loss) ? "the gradient of the loss is not finite" : "the loss of the network is not finite",
                "A smaller learning rate, fewer trained leads or clipped gradients are the usual remedies.");
        return new(finite ? value : double.NaN, norm, 0);
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
    public void Save(ComponentWriter writer)
    {
        writer.Set("skippedInARow", skippedInARow);
        writer.Tensor("random", random.Capture());
        optimizer.Save(writer);
    }

    /// <inheritdoc/>
    public void Load(ComponentReader reader)
    {
        skippedInARow = reader.Get<int>("skippedInARow");
        using (var state = reader.Tensor("random")) random.Restore(state.cpu());
        optimizer.Load(reader);
    }

    /// <inheritdoc/>
    public void Dispose() => optimizer.Dispose();

    private void Move(double learningRate)
    {
        using var noGradients = no_grad();
        if (options.WeightDecay > 0)
            foreach (var parameter in parameters)
                if (parameter.ndim > 1) parameter.mul_(1 - learningRate * options.WeightDecay);
        optimizer.step();
    }
}
