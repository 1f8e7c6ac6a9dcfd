namespace DaML.Components;

/// <summary>Settings of an <see cref="AutoregressiveEmulatorEstimator"/>, with their defaults.</summary>
public sealed record AutoregressiveEmulatorOptions
{
    /// <summary>L, the number of past values that the network sees (default: 4); its baseline may see others.</summary>
    public int Lags { get; init; } = 4;

    /// <summary>
    /// D, the number of coming values that one application gives (default: 1, value by value); more give several in one shot.
    /// </summary>
    public int Leads { get; init; } = 1;

    /// <summary>
    /// The number of values that the loss looks ahead (default: 5): forecasts run that far from true values, and their errors at every
    /// lead count (direct multi-step training), so that a network learns the growth of its own errors. At least <see cref="Leads"/>.
    /// </summary>
    public int TrainedLeads { get; init; } = 5;

    /// <summary>The factor of a lead's weight in the loss from one lead to the next (default: 1, all leads equal). Errors at long leads
    /// are the variance of the unpredictable part; below 1 the loss concentrates on the predictable part.</summary>
    public double LeadDiscount { get; init; } = 1;

    /// <summary>
    /// The residual form (default: null, the network alone, which starts as the mean): ridge regression on lags, fitted first, to which
    /// the network adds a correction, zero at the start.
    /// </summary>
    public RidgeAutoregressionOptions? Baseline { get; init; }

    /// <summary>
    /// The units of the network's input and output (default: one for all components, which suits coefficients of modes).
    /// </summary>
    public ValueNormalisation Normalisation { get; init; } = ValueNormalisation.Common;

    /// <summary>The deviation of normal errors added to the values that training starts from, as a fraction of each component's deviation
    /// (default: 0.05). Later forecasts start from analyses, which have errors; and the noise prevents overfitting on few data.</summary>
    public double InputNoise { get; init; } = 0.05;

    /// <summary>
    /// The decay of each weight in a step, as a multiple of the learning rate (decoupled weight decay, Loshchilov and Hutter 2019;
    /// default: 3, since records of some years are short).
    /// </summary>
    public double WeightDecay { get; init; } = 3;

    /// <summary>
    /// The course of the training (default: 1500 steps of 128 starts at a rate of 0.001, validated every 50; patience applies from the
    /// first validation on). Its counts of cycles do not apply: a validation uses its whole view.
    /// </summary>
    public TrainingOptions Training { get; init; } = new()
    {
        Steps = 1500, LearningRate = 1e-3, BatchSize = 128, ValidationInterval = 50, Patience = 20, PatientAboveRate = 1,
    };

    /// <summary>Gives these options, or throws with the reason why they are invalid.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    internal AutoregressiveEmulatorOptions Checked()
    {
        Require.AtLeast(Lags, 1);
        Require.AtLeast(Leads, 1);
        Require.AtLeast(TrainedLeads, Leads);
        Require.Defined(Normalisation);
        Require.NotNegative(InputNoise);
        Require.NotNegative(WeightDecay);
        Require.Share(LeadDiscount);
        Baseline?.Checked();
        Training.Checked();
        return this;
    }
}
