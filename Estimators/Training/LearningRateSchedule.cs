namespace DaML.Components;

/// <summary>Kinds of <see cref="LearningRateSchedule"/>.</summary>
public enum LearningRateDecay
{
    /// <summary>Half a cosine, down to zero.</summary>
    HalfCosine,

    /// <summary>Constant.</summary>
    None,

    /// <summary>Decay by the same factor in equal times.</summary>
    Exponential,

    /// <summary>Decay by a factor at equal intervals.</summary>
    Steps,
}

/// <summary>
/// The decay of the learning rate in the course of a training, as a share of <see cref="TrainingOptions.LearningRate"/>. The course runs
/// from 0 to 1, by steps or by time, whichever is further on, so that a training cut short by time has gone through all of it.
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

    /// <summary>The number of pieces of equal length with a step down between them (<see cref="LearningRateDecay.Steps"/>).</summary>
    public int Pieces { get; init; } = 1;

    /// <summary>
    /// (1 + cos(pi t)) / 2 (the default). The rate stays high for long, and its decay to zero has the effect of an average over the last
    /// weights.
    /// </summary>
    public static LearningRateSchedule HalfCosine { get; } = new();

    /// <summary>
    /// 1, as Boudier et al. train. The rate never falls below <see cref="TrainingOptions.PatientAboveRate"/>, so patience applies to
    /// every validation.
    /// </summary>
    public static LearningRateSchedule Constant { get; } = new() { Decay = LearningRateDecay.None };

    /// <summary>last^t.</summary>
    /// <param name="last">The share at the end, above 0 and at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The share is outside this range.</exception>
    public static LearningRateSchedule Exponential(double last) =>
        new LearningRateSchedule { Decay = LearningRateDecay.Exponential, Factor = last }.Checked();

    /// <summary>factor^k in the k-th piece, k from 0.</summary>
    /// <param name="factor">The factor of a step down, above 0 and at most 1.</param>
    /// <param name="pieces">The number of pieces of equal length, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The factor or the number is outside its range.</exception>
    public static LearningRateSchedule Steps(double factor, int pieces) =>
        new LearningRateSchedule { Decay = LearningRateDecay.Steps, Factor = factor, Pieces = pieces }.Checked();

    /// <summary>The share of the learning rate.</summary>
    /// <param name="course">The progress of the training, 0 to 1.</param>
    public double Share(double course) => Decay switch
    {
        LearningRateDecay.None => 1,
        LearningRateDecay.Exponential => Math.Pow(Factor, Math.Min(1, course)),
        LearningRateDecay.Steps => Math.Pow(Factor, Math.Min(Pieces - 1, Math.Floor(Pieces * course))),
        _ => 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, course))),
    };

    /// <summary>Gives this schedule, or throws with the reason why it is invalid.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The kind does not exist, the factor is outside (0, 1], or there is fewer than one
    /// piece.</exception>
    internal LearningRateSchedule Checked()
    {
        Require.Defined(Decay);
        Require.Share(Factor);
        Require.AtLeast(Pieces, 1);
        return this;
    }
}
