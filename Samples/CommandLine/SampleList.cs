namespace DaML.Samples;

/// <summary>The samples there are, in the order in which <c>daml list</c> shows them.</summary>
public static class SampleList
{
    /// <summary>All samples.</summary>
    public static IReadOnlyList<ISample> All { get; } =
    [
        new DemoSample(),
        new PressureAnalysisSample(),
        new Bocquet2024Sample(),
        new ReferenceScoresSample(),
        new AskAndTellSample(),
        new Bocquet2025Sample(),
        new AnalysisMemorySample(),
        new DanLorenz95Sample(),
        new ShallowWaterPreconditionerSample(),
        new PodLstmSample(),
        new MlNetPipelineSample(),
    ];

    /// <summary>The sample of a name.</summary>
    /// <exception cref="SampleException">There is none; the message lists those there are.</exception>
    public static ISample Find(string name) => All.FirstOrDefault(sample => sample.Name == name)
        ?? throw new SampleException(
            $"There is no sample called '{name}'; there are: {string.Join(", ", All.Select(sample => sample.Name))}.");
}
