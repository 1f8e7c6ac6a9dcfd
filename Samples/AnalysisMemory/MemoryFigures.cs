namespace DaML.Samples;

/// <summary>The figure of the sample of learned analyses with a memory.</summary>
internal static class MemoryFigures
{
    /// <summary>The error on held-out trajectories over steps and over training time.</summary>
    /// <param name="courses">The trainings of each kind, by its name: histories of several seeds and the seconds of a step.</param>
    public static Figure Curves(IReadOnlyList<(string Name, IReadOnlyList<TrainingHistory> Histories, double StepSeconds)> courses)
    {
        LineChart Panel(string title, Axis axis, Func<double, double> scaled) =>
            new(title, axis, new Axis("validation RMSE") { Scale = AxisScale.Logarithmic },
            [.. courses.Select(course => Middle(course.Name, course.Histories, step => scaled(course.StepSeconds) * step))])
            { Width = 760, Height = 330 };
        return new FigureGrid("", [
            Panel("by optimiser step", new Axis("optimiser step"), _ => 1),
            Panel("by training time", new Axis("training time", "s"), seconds => seconds)]);
    }

    // The median over the seeds at each validation; of trainings of as many validations.
    private static LineSeries Middle(string name, IReadOnlyList<TrainingHistory> histories, Func<long, double> place)
    {
        var validations = histories.Select(history => history.Steps.Where(step => step.ValidationError is not null).ToList()).ToList();
        int count = validations.Min(list => list.Count);
        double At(int i) => Median.Of(validations.Select(list => list[i].ValidationError!.Value));
        var shown = Enumerable.Range(0, count).Where(i => double.IsFinite(At(i))).ToList();
        return new(name, [.. shown.Select(i => place(validations[0][i].Step))], [.. shown.Select(At)]) { Markers = true };
    }
}
