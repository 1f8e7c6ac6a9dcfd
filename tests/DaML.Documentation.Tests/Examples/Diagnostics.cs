namespace DaML.Tests;

/// <summary>Diagnostics as docs/diagnostics.md shows them.</summary>
internal static class Diagnostics
{
    /// <summary>What was measured along a run.</summary>
    public sealed record Outcome(ScoreReport Report, AnalysisBias Bias, IncrementScalingCurve Scaling,
        SampleHistogram Innovations, double ToEnsemble, double ToIsotropic,
        IReadOnlyList<TimeAverage> Spectrum, IReadOnlyList<TimeAverage> Unstable, IReadOnlyList<TimeAverage> Random,
        string Svg);

    public static Outcome AlongRun(DataAssimilationContext context, IDynamics model, IObservationNetwork network,
        ITrajectoryView twin,
        SequentialAssimilation<StateMemory> learned, SequentialAssimilation<EnsembleMemory> enkf)
    {
        // <run>
        // Everything runs beside everything else along one truth; a column costs nothing in a cycle in which nobody
        // reads it.
        Column ofEnsemble = new("ensemble-covariance"), ofLearned = new("learned-covariance");
        // the unstable-neutral subspace
        var view = new LyapunovVectors(context, model, count: 14)
            .Append(context.Transforms.AnalysisCovariance(enkf, ofEnsemble))                // the ensemble's own P^a
            // the network's, by regression
            .Append(context.Transforms.AnalysisCovariance(learned, network, ofLearned))
            // the network itself, its bias, r(lambda)
            .Append(context.Transforms.IncrementScaling(learned, network))
            .Transform(twin);

        AnalysisBiasScore bias = new();
        IncrementScalingScore scaling = new() { Every = 20 };
        ProjectedInnovationHistogram innovations = new(network, HistogramBins.Symmetric(6));
        CovarianceDistanceScore toEnsemble = new(ofLearned, ofEnsemble) { Every = 20 };
        CovarianceDistanceScore toIsotropic = new(ofLearned, ErrorCovariance.Scalar(40, 0.16), "0.40² I")
            { Every = 20 };
        EigenspectrumScore spectrum = new(ofLearned) { Every = 20 };
        var unstable = Subspace.FirstVectors(LyapunovVectors.Vectors, 14);
        PrincipalAngleScore aligned = new(Subspace.LeadingDirections(ofLearned, 14), unstable) { Every = 20 };
        PrincipalAngleScore random = new(unstable, Subspace.Random(context, 40, 14)) { Every = 20 };
        var report = context.Scores.Evaluate(view, new()
            { BurnIn = 100,
                Scores = [bias, scaling, innovations, toEnsemble, toIsotropic, spectrum, aligned, random] });

        var (b, s) = report.Of(bias);
        string svg = DiagnosticFigures.PrincipalAngles("",
            [new("learned and unstable", report.Of(aligned)), new("random", report.Of(random))]).ToSvg();
        // </run>
        return new Outcome(report, new(b, s), report.Of(scaling), report.Of(innovations), report[toEnsemble].Mean,
            report[toIsotropic].Mean, report.Of(spectrum), report.Of(aligned), report.Of(random), svg);
    }

    public static (MeanMarginalGain Full, MeanMarginalGain Composite, double Error,
        string Svg) Gain(DataAssimilationContext context, IObservationNetwork network, ITrajectoryView states,
        SequentialAssimilation<StateMemory> learned)
    {
        // <gain>
        var analyzer = (LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer;
        // by differentiating twice
        var gain = context.Scores.MeanMarginalGain(analyzer, states);
        // for any analyzer of one state
        var composite = context.Scores.MeanMarginalGainByRegression(analyzer, network, states);
        double share = gain.ShareWithin(distance: 5);
        double error = MarginalGain.EquivarianceError(analyzer.Network,
            context.Random("state").Normal([1, 40], context.Precision), site: 20, shift: 7);
        string svg = gain.ToFigure($"{share:p0} within five sites, half within {gain.HalfWidth}").ToSvg();
        // </gain>
        return (gain, composite, error, svg);
    }
}
