namespace DaML.Samples;

/// <summary>The course of a training as figures that are kept, and as lines of a chart.</summary>
internal static class TrainingCourse
{
    private const int Points = 300;

    /// <summary>Losses (means over so many steps that some hundreds remain), validations, steps and seconds.</summary>
    public static IReadOnlyDictionary<string, double[]> Figures(TrainingHistory history)
    {
        var steps = history.Steps.Where(step => double.IsFinite(step.Loss)).ToList();
        var chunks = steps.Chunk(Math.Max(1, steps.Count / Points)).ToList();
        var validations = history.Steps.Where(step => step.ValidationError is { } error && double.IsFinite(error)).ToList();
        return new Dictionary<string, double[]>
        {
            ["steps"] = [history.Steps.Count],
            ["seconds"] = [history.Steps.Count == 0 ? 0 : history.Steps[^1].Seconds],
            ["loss.step"] = [.. chunks.Select(chunk => chunk.Average(step => (double)step.Step))],
            ["loss.mean"] = [.. chunks.Select(chunk => chunk.Average(step => step.Loss))],
            ["validation.step"] = [.. validations.Select(step => (double)step.Step)],
            ["validation.seconds"] = [.. validations.Select(step => step.Seconds)],
            ["validation.rmse"] = [.. validations.Select(step => step.ValidationError!.Value)],
        };
    }

    /// <summary>The validations of a training over its minutes, as a line.</summary>
    /// <param name="name">What the legend calls it.</param>
    /// <param name="course">The training's figures.</param>
    /// <returns>Null where there was no finite validation.</returns>
    public static LineSeries? Validations(string name, IReadOnlyDictionary<string, double[]> course) =>
        course.TryGetValue("validation.rmse", out double[]? errors) && errors.Length > 0
        ? new LineSeries(name, [.. course["validation.seconds"].Select(second => second / 60)], errors) { Markers = true } : null;
}
