namespace DaML.Components;

/// <summary>The treatment of members whose run crashed.</summary>
public abstract record CrashPolicy
{
    private CrashPolicy() { }

    /// <summary>Refuses the results, so that no crash goes unnoticed; the member stays to be run again.</summary>
    public static CrashPolicy Fail { get; } = new Failing();

    /// <summary>Continues without the crashed members, with a smaller ensemble from then on; at least two members must be left.</summary>
    public static CrashPolicy Drop { get; } = new Dropping();

    /// <summary>
    /// Replaces each crashed member by a survivor drawn at random, moved towards the survivors' mean and perturbed with their covariance
    /// so that mean and covariance stay those of the survivors: m + sqrt(1 - h^2) (x_j - m) + h e, e from N(0, P) (the kernel with
    /// shrinkage of Liu and West 2001). At least two members must have survived.
    /// </summary>
    /// <param name="bandwidth">
    /// h, from 0 (a copy, which remains a copy if the model has no error) to 1 (a draw from N(m, P) that forgets the survivor) (default:
    /// 0.3, distinct from the survivor but close to a state that the model itself made).
    /// </param>
    /// <param name="added">
    /// The covariance of a further perturbation (default: none). Draws from the survivors lie in the space they span. If the ensemble has
    /// fewer members than the state has components, every crash therefore costs it a direction. A small independent perturbation (a tenth
    /// of the analysis error, say) gives the direction back.
    /// </param>
    public static CrashPolicy Resample(double bandwidth = 0.3, IErrorCovariance? added = null) => new Resampling(bandwidth, added);

    internal sealed record Failing : CrashPolicy;

    internal sealed record Dropping : CrashPolicy;

    internal sealed record Resampling(double Bandwidth, IErrorCovariance? Added) : CrashPolicy
    {
        public double Bandwidth { get; } = Bandwidth is >= 0 and <= 1 ? Bandwidth
            : throw new ArgumentOutOfRangeException(nameof(Bandwidth), Bandwidth, "The bandwidth must be between 0 and 1; given: " +
                $"{Bandwidth}.");
    }
}
