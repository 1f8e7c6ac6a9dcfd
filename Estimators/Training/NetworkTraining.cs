using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The course of a training around its optimiser steps: the learning rate, validation, the best weights so far, patience,
/// the time limit, cancellation, checkpoints, progress.
/// </summary>
/// <param name="name">The name of the trained object.</param>
/// <param name="network">The module with the weights; at the end they are the best that were found.</param>
/// <param name="optimiser">Makes the optimiser steps.</param>
/// <param name="measure">The name of the hold-out error.</param>
/// <param name="validate">Computes the hold-out error of the current network.</param>
/// <param name="setting">Everything that the sequence of losses depends on, to tell a checkpoint of this training from another's.</param>
/// <param name="options">Settings.</param>
/// <param name="context">The context that receives progress.</param>
internal sealed class NetworkTraining(string name, nn.Module network, OptimiserSteps optimiser,
    string measure, Func<double> validate, string setting, TrainingOptions options, DataAssimilationContext context) : IDisposable
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(100);

    private readonly List<TrainingStep> steps = [];
    private readonly TimeProvider clock = options.Clock;
    private long started;
    private IReadOnlyDictionary<string, Tensor>? best;
    private DivergenceException? divergence;
    private TimeSpan before, lastReport, lastValidation;
    private double bestError = double.PositiveInfinity;
    private double? lastError;
    private long sinceBest;

    private TimeSpan Elapsed => before + clock.GetElapsedTime(started);

    /// <summary>Trains to the end, or resumes from a checkpoint.</summary>
    /// <exception cref="OperationCanceledException">The work was cancelled before the first step.</exception>
    /// <exception cref="DivergenceException">The assimilation diverged in every validation.</exception>
    /// <exception cref="ArithmeticException">No validation gave a finite score.</exception>
    /// <exception cref="ModelArchiveException">The checkpoint is damaged or belongs to another training.</exception>
    public TrainingHistory Run(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        started = clock.GetTimestamp();
        if (options.CheckpointPath is { } path && File.Exists(path)) TrainingCheckpoint.Read(path, setting, context, Load);
        else WriteCheckpoint();   // a path that cannot be written is noticed now, not after the first validation
        started = clock.GetTimestamp();   // the time to read a checkpoint does not count
        ModuleState.Train(network, options.KeepsNormalisation);
        TrainingEnd end;
        while (!Ended(cancellation, out end))
        {
            double rate = options.LearningRateAt(steps.Count, options.Progress(steps.Count, Elapsed));
            var (loss, norm, restarts) = optimiser.Step(rate);
            steps.Add(new TrainingStep(steps.Count + 1, loss, rate, norm, restarts, null, Elapsed.TotalSeconds));
            if (steps.Count % options.ValidationInterval == 0 || steps.Count == options.Steps) Validate();
            Report();
        }
        if (end == TrainingEnd.Cancelled) WriteCheckpoint();
        // A checkpoint does not record where its validations diverged.
        else if (steps[^1].ValidationError is null || (best is null && divergence is null)) Validate();
        if (best is not null) ModuleState.Restore(network, best);
        else if (end != TrainingEnd.Cancelled) throw divergence ?? NoScore();
        return new TrainingHistory([.. steps], end);
    }

    // No trajectory diverged, and yet no score is a number: for instance if densities are infinitely wide.
    private Exception NoScore() =>
        new ArithmeticException($"The training of {name} ended without a finite validation score: it was {lastError} after {steps.Count} " +
        $"optimiser steps, though the states were finite. {TruncatedBackpropagation<StateMemory>.TrainingRemedy}");

    /// <inheritdoc/>
    public void Dispose() => ModuleState.Release(best);

    private bool Ended(CancellationToken cancellation, out TrainingEnd end)
    {
        (bool ended, end) =
            steps.Count >= options.Steps ? (true, TrainingEnd.Completed)
            : steps.Count > 0 && Elapsed + lastValidation >= options.MaximumDuration ? (true, TrainingEnd.TimeUp)
            : sinceBest >= options.Patience ? (true, TrainingEnd.NoImprovement)
            : steps.Count > 0 && cancellation.IsCancellationRequested ? (true, TrainingEnd.Cancelled)
            : (false, default);
        return ended;
    }

    private void Validate()
    {
        var start = Elapsed;
        double error;
        network.eval();
        using var phase = Telemetry.Phase(Telemetry.Validation);
        try { error = validate(); }
        catch (DivergenceException diverged)
        {
            divergence = diverged;
            error = double.PositiveInfinity;
        }
        ModuleState.Train(network, options.KeepsNormalisation);
        steps[^1] = steps[^1] with { ValidationError = error };
        if (Judge(steps[^1], error))
        {
            ModuleState.Release(best);
            best = ModuleState.Copy(network);
        }
        lastValidation = Elapsed - start;
        WriteCheckpoint();
    }

    // Whether a validation is the best so far.
    private bool Judge(TrainingStep step, double error)
    {
        lastError = error;
        bool better = error < bestError;
        if (better) bestError = error;
        sinceBest = better || !options.TriesPatience(step) ? 0 : sinceBest + 1;
        return better;
    }

    private void WriteCheckpoint()
    {
        if (options.CheckpointPath is not { } path) return;
        using var scope = NewDisposeScope();
        TrainingCheckpoint.Write(path, setting, Save);
    }

    private void Save(ComponentWriter writer)
    {
        writer.Set("elapsed", Elapsed.TotalSeconds);
        writer.Set("hasBest", best is not null);
        writer.Tensor("history", new TrainingHistory(steps, default).Table);
        foreach (var (key, tensor) in network.state_dict()) writer.Tensor("network." + key, tensor.detach());
        if (best is not null) foreach (var (key, tensor) in best) writer.Tensor("best." + key, tensor);
        optimiser.Save(writer);
    }

    private void Load(ComponentReader reader)
    {
        before = TimeSpan.FromSeconds(reader.Get<double>("elapsed"));
        using (var table = reader.Tensor("history")) steps.AddRange(TrainingHistory.StepsOf(table));
        foreach (var step in steps) if (step.ValidationError is { } error) Judge(step, error);
        var names = network.state_dict().Keys;
        var current = names.ToDictionary(key => key, key => reader.Tensor("network." + key));
        ModuleState.Restore(network, current);
        ModuleState.Release(current);
        if (reader.Get<bool>("hasBest")) best = names.ToDictionary(key => key, key => reader.Tensor("best." + key));
        optimiser.Load(reader);
    }

    private void Report()
    {
        if (context.Progress is null || (Elapsed - lastReport < ReportInterval && steps.Count != options.Steps)) return;
        lastReport = Elapsed;
        var metrics = new Dictionary<string, double> { ["loss"] = steps[^1].Loss };
        if (lastError is { } error) metrics["validation " + measure] = error;
        var bySteps = Elapsed * ((double)(options.Steps - steps.Count) / steps.Count);
        var byTime = options.MaximumDuration - Elapsed ?? TimeSpan.MaxValue;
        context.Progress.Report(
            new ProgressReport($"training {name}", steps.Count, options.Steps, metrics, Elapsed, bySteps < byTime ? bySteps : byTime));
    }
}
