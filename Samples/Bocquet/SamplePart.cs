namespace DaML.Samples;

/// <summary>A part of a long sample, a training or a measurement, that is done on a core of its own and kept when it is finished.</summary>
/// <param name="Name">What it is called in progress reports; also the name of the file that keeps its figures.</param>
/// <param name="Work">Does it and gives figures by name, all that tables and drawings need.</param>
internal sealed record SamplePart(string Name, Func<PartRun, IReadOnlyDictionary<string, double[]>> Work)
{
    /// <summary>The parts that must be finished before.</summary>
    public IReadOnlyList<string> After { get; init; } = [];
}

/// <summary>What a part works with.</summary>
/// <param name="Context">A context of its own, with the sample's seed and device.</param>
/// <param name="Folder">Where it keeps files.</param>
/// <param name="Cancellation">Set by Ctrl-C.</param>
internal sealed record PartRun(DataAssimilationContext Context, string Folder, CancellationToken Cancellation)
{
    /// <summary>Learns, or goes on learning where the training was stopped, or reads what was learned before.</summary>
    /// <param name="name">The name of the files: <c>NAME.checkpoint</c> while it learns, <c>NAME.daml</c> afterwards.</param>
    /// <param name="create">Makes the estimator, given where to take training down.</param>
    /// <param name="training">What to learn from.</param>
    /// <param name="validation">What to watch.</param>
    /// <param name="history">How the method was trained.</param>
    /// <returns>The course of training, as figures.</returns>
    /// <exception cref="OperationCanceledException">It was stopped; the checkpoint is there.</exception>
    public IReadOnlyDictionary<string, double[]> Learn<TMemory>(string name,
        Func<string, IValidatedEstimator<SequentialAssimilation<TMemory>>> create, ITrajectoryView training, ITrajectoryView validation,
        Func<SequentialAssimilation<TMemory>, TrainingHistory> history) where TMemory : IMemory<TMemory>
    {
        string archive = ModelFile(name), checkpoint = Path.Combine(Folder, name + ".checkpoint");
        if (!File.Exists(archive))
        {
            var learned = create(checkpoint).Fit(training, validation, Cancellation);
            Cancellation.ThrowIfCancellationRequested();
            Context.Model.Save(learned, archive);
            File.Delete(checkpoint);
        }
        return TrainingCourse.Figures(history(Read<SequentialAssimilation<TMemory>>(name)));
    }

    /// <summary>The method that a part learned.</summary>
    /// <param name="name">The name it was learned under.</param>
    public T Read<T>(string name) where T : class, ITransformer => Context.Model.Load<T>(ModelFile(name));

    /// <summary>The archive of a method that a part learned.</summary>
    public string ModelFile(string name) => Path.Combine(Folder, name + ".daml");
}
