namespace DaML.Components;

/// <summary>Kinds of <see cref="LearningRateSchedule"/>.</summary>
public enum LearningRateDecay
{
    /// <summary>Half a cosine, down to zero.</summary>
    HalfCosine,

    /// <summary>None.</summary>
    None,

    /// <summary>By the same factor in equal times.</summary>
    Exponential,

    /// <summary>By a factor every so often.</summary>
    Steps,
}

/// <summary>
/// How the learning rate falls in the course of a training, as a share of <see cref="TrainingOptions.LearningRate"/>. The course
/// runs from 0 to 1, by steps or by time, whichever is further on, so a training that is cut short has gone through all of it.
/// </summary>
public sealed record LearningRateSchedule
{
    /// <summary>The kind.</summary>
    public LearningRateDecay Decay { get; init; }

    /// <summary>
    /// The share at the end (<see cref="LearningRateDecay.Exponential"/>), or the factor of a step down
    /// (<see cref="LearningRateDecay.Steps"/>).
    /// </summary>
    public double Factor { get; init; } = 1;

    /// <summary>Number of pieces of equal length with a step down between them (<see cref="LearningRateDecay.Steps"/>).</summary>
    public int Pieces { get; init; } = 1;

    /// <summary>
    /// (1 + cos(pi t)) / 2: the default. The rate stays high for long, and its fall to zero brings what an average over the last weights
    /// would.
    /// </summary>
    public static LearningRateSchedule HalfCosine { get; } = new();

    /// <summary>
    /// 1: as Boudier et al. train. The rate never falls below <see cref="TrainingOptions.PatientAboveRate"/>, so every validation tries
    /// patience.
    /// </summary>
    public static LearningRateSchedule Constant { get; } = new() { Decay = LearningRateDecay.None };

    /// <summary>last^t.</summary>
    /// <param name="last">The share at the end, above 0 and at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public static LearningRateSchedule Exponential(double last) =>
        new LearningRateSchedule { Decay = LearningRateDecay.Exponential, Factor = last }.Checked();

    /// <summary>factor^k in the k-th piece, k from 0.</summary>
    /// <param name="factor">What a step down multiplies with, above 0 and at most 1.</param>
    /// <param name="pieces">Number of pieces of equal length, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">One of them is not.</exception>
    public static LearningRateSchedule Steps(double factor, int pieces) =>
        new LearningRateSchedule { Decay = LearningRateDecay.Steps, Factor = factor, Pieces = pieces }.Checked();

    /// <summary>The share of the learning rate.</summary>
    /// <param name="course">How far training has come, 0 to 1.</param>
    public double Share(double course) => Decay switch
    {
        LearningRateDecay.None => 1,
        LearningRateDecay.Exponential => Math.Pow(Factor, Math.Min(1, course)),
        LearningRateDecay.Steps => Math.Pow(Factor, Math.Min(Pieces - 1, Math.Floor(Pieces * course))),
        _ => 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, course))),
    };

    /// <summary>This schedule, or the reason why it cannot be.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A kind that is none, a factor outside (0, 1], fewer than one piece.</exception>
    internal LearningRateSchedule Checked()
    {
        if (!Enum.IsDefined(Decay)) throw new ArgumentOutOfRangeException(nameof(Decay), Decay, $"'{nameof(Decay)}' has no value {Decay}.");
        if (!(Factor is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(Factor), Factor,
                $"'{nameof(Factor)}' must be above 0 and at most 1; given: {Factor}.");
        Require.AtLeast(Pieces, 1);
        return this;
    }
}
