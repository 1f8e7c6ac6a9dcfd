namespace DaML.Samples;

/// <summary>Errors of forecasts of one day.</summary>
/// <param name="name">The forecast's name in tables.</param>
/// <param name="errors">Forecast minus report on each day, hPa.</param>
internal sealed class PressureErrors(string name, IReadOnlyList<double> errors)
{
    private const int Block = 30;    // days that are taken as independent of the next ones

    /// <summary>The forecast's name in tables.</summary>
    public string Name { get; } = name;

    /// <summary>Forecast minus report on each day, hPa.</summary>
    public IReadOnlyList<double> Errors { get; } = errors;

    /// <summary>Root-mean-square error, hPa.</summary>
    public double Rmse => RmseOn(_ => true);

    /// <summary>Root-mean-square error on some of the days, hPa.</summary>
    public double RmseOn(Func<int, bool> day) => Math.Sqrt(Errors.Where((_, i) => day(i)).Average(error => error * error));

    /// <summary>
    /// How much lower the mean square error is than that of another forecast, hPa^2, with its standard error over blocks of thirty days.
    /// </summary>
    public (double Mean, double StandardError) GainOver(PressureErrors other)
    {
        double[] blocks = [.. Errors.Zip(other.Errors, (own, theirs) => theirs * theirs - own * own).Chunk(Block)
            .Where(block => block.Length == Block).Select(block => block.Average())];
        double mean = blocks.Average(), variance = blocks.Sum(block => (block - mean) * (block - mean)) / (blocks.Length - 1);
        return (mean, Math.Sqrt(variance / blocks.Length));
    }
}
