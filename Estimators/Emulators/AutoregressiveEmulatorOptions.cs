namespace DaML.Components;

/// <summary>Settings of an <see cref="AutoregressiveEmulatorEstimator"/>, with their defaults.</summary>
public sealed record AutoregressiveEmulatorOptions
{
    /// <summary>L, the number of past values that the network sees (default: 4); its baseline may see others.</summary>
    public int Lags { get; init; } = 4;

    /// <summary>
    /// D, the number of coming values that one application gives: 1 (the default) goes on value by value, more give several at one shot.
    /// </summary>
    public int Leads { get; init; } = 1;

    /// <summary>
    /// How many values ahead the loss looks (default: 5): forecasts run that far from true values, and their errors at every lead count
    /// (direct multi-step training), so that a network learns what its own errors grow to. At least <see cref="Leads"/>.
    /// </summary>
    public int TrainedLeads { get; init; } = 5;

    /// <summary>What the weight of a lead in the loss is multiplied with from one lead to the next (default: 1, all leads alike). Errors at
    /// long leads are the variance of what cannot be foreseen; below 1 the loss looks at what can be.</summary>
    public double LeadDiscount { get; init; } = 1;

    /// <summary>
    /// The residual form: ridge regression on lags, fitted first, to which the network adds a correction, zero at the start. Null (the
    /// default) = the network alone, which starts as the mean.
    /// </summary>
    public RidgeAutoregressionOptions? Baseline { get; init; }

    /// <summary>
    /// The units in which the network sees values and gives them (default: one for all components, as suits coefficients of modes).
    /// </summary>
    public ValueNormalisation Normalisation { get; init; } = ValueNormalisation.Common;

    /// <summary>The deviation of normal errors added to the values that training starts from, as a fraction of each component's deviation
    /// (default: 0.05): what a forecast starts from later is an analysis, with errors; and few data are not learned by heart.</summary>
    public double InputNoise { get; init; } = 0.05;

    /// <summary>
    /// The share of each weight that is taken off in a step, as a multiple of the learning rate (decoupled weight decay, Loshchilov and
    /// Hutter 2019; default: 3, since records of some years are short).
    /// </summary>
    public double WeightDecay { get; init; } = 3;

    /// <summary>
    /// The course of the training (default: 1500 steps of 128 starts at a rate of 0.001, validated every 50; patience is tried from the
    /// first validation on). Of its counts of cycles none applies: a validation takes all of its view.
    /// </summary>
    public TrainingOptions Training { get; init; } = new()
    {
        Steps = 1500, LearningRate = 1e-3, BatchSize = 128, ValidationInterval = 50, Patience = 20, PatientAboveRate = 1,
    };

    /// <summary>These options, or the reason why they cannot be.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One of them is out of its range.</exception>
    internal AutoregressiveEmulatorOptions Checked()
    {
        Require.AtLeast(Lags, 1);
        Require.AtLeast(Leads, 1);
        Require.AtLeast(TrainedLeads, Leads);
        if (!Enum.IsDefined(Normalisation))
            throw new ArgumentOutOfRangeException(nameof(Normalisation), Normalisation,
                $"'{nameof(Normalisation)}' has no value {Normalisation}.");
        Require.NotNegative(InputNoise);
        Require.NotNegative(WeightDecay);
        if (!(LeadDiscount is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(LeadDiscount), LeadDiscount,
                $"'{nameof(LeadDiscount)}' must be above 0 and at most 1; given: {LeadDiscount}.");
        Baseline?.Checked();
        Training.Checked();
        return this;
    }
}
