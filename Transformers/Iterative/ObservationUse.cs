namespace DaML.Components;

/// <summary>
/// The use of an observation that several windows of a smoother hold (Bocquet and Sakov 2014, Q. J. R. Meteorol. Soc. 140, 1521-1535).
/// Whatever the choice, an observation counts once in total.
/// </summary>
public sealed record ObservationUse
{
    private ObservationUse([Saved("multiple")] bool isMultiple, [Saved("weights")] params IReadOnlyList<double> fractions)
    {
        IsMultiple = isMultiple;
        if (isMultiple && fractions.Count > 0) Weights = Checked(fractions);
    }

    /// <summary>
    /// Single data assimilation: once, when it is new. The windows' ensembles then follow each other as in a filter; the usual choice.
    /// </summary>
    public static ObservationUse Single { get; } = new(false);

    /// <summary>
    /// Multiple data assimilation: in each window that holds it, with the same fraction of its weight. The steps are smaller, which
    /// allows longer windows under a stronger nonlinearity.
    /// </summary>
    public static ObservationUse Multiple() => new(true);

    /// <summary>Multiple data assimilation with given fractions of the weight.</summary>
    /// <param name="weights">The fraction in the first window that holds the observation, in the second, and so on, as many as there are
    /// (length / shift): none below zero, with a sum of one.</param>
    /// <exception cref="ArgumentException">A fraction is below zero or non-finite, or the sum is not one.</exception>
    public static ObservationUse Multiple(params IReadOnlyList<double> weights) => new(true, Checked(weights));

    /// <summary>Whether an observation is used in several windows.</summary>
    public bool IsMultiple { get; }

    /// <summary>The fractions, the first window's first; null if all are equal.</summary>
    public IReadOnlyList<double>? Weights { get; }

    private IReadOnlyList<double> Fractions => Weights ?? [];

    /// <summary>Compares the fractions one by one.</summary>
    public bool Equals(ObservationUse? other) =>
        other is not null && IsMultiple == other.IsMultiple && Fractions.SequenceEqual(other.Fractions);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(IsMultiple, Fractions.Count);

    /// <summary>Refuses a cycling that does not match the fractions.</summary>
    /// <exception cref="ArgumentException">Not every observation would be in the same number of windows, or the number of fractions
    /// differs from that of the windows.</exception>
    internal void Check(WindowCycling cycling)
    {
        if (!IsMultiple) return;
        int windows = Windows(cycling);
        if (cycling.Length > 0 && cycling.Length % cycling.Shift != 0)
            throw new ArgumentException(
                $"Multiple data assimilation needs windows that are a whole number of shifts long, so that each observation is in as " +
                    $"many; given: {cycling.Length} cycles, moved on by {cycling.Shift}.");
        if (Weights is not null && Weights.Count != windows)
            throw new ArgumentException(
                $"An observation is in {windows} windows of {cycling.Length} cycles that move on by {cycling.Shift}; given: " +
                    $"{Weights.Count} fractions of its weight.");
    }

    /// <summary>
    /// For each observation of a window with an analysis due: its weight in this analysis, and the weight that no analysis has used after
    /// it.
    /// </summary>
    internal IEnumerable<(Observation Observation, double Now, double Remaining)> Of<TInner>(WindowMemory<TInner> window)
        where TInner : IMemory<TInner>
    {
        Check(window.Cycling);
        int windows = Windows(window.Cycling), newest = window.Observations.Count - 1;
        for (int i = 0; i <= newest; i++)
        {
            // The number of earlier analyses that used it: all since it was new.
            int age = newest - i < window.Unused ? 0 : 1 + (newest - i - window.Unused) / window.Cycling.Shift;
            double now = !IsMultiple ? (age == 0 ? 1 : 0) : Weight(age, windows), remaining = 0;
            if (IsMultiple)
                for (int later = age + 1; later < windows; later++) remaining += Weight(later, windows);
            yield return (window.Observations[i], now, remaining);
        }
    }

    private double Weight(int age, int windows) => age >= windows ? 0 : Weights?[age] ?? 1.0 / windows;

    private static int Windows(WindowCycling cycling) => Math.Max(1, cycling.Length / cycling.Shift);

    private static double[] Checked(IReadOnlyList<double> weights)
    {
        foreach (double weight in weights) Require.NotNegative(weight);
        double sum = weights.Sum();
        return Math.Abs(sum - 1) <= 1e-12 * weights.Count ? [.. weights]
            : throw new ArgumentException(
                $"The fractions of an observation's weight must sum to one; given: {string.Join(" + ", weights)} = {sum:r}.",
                nameof(weights));
    }
}
