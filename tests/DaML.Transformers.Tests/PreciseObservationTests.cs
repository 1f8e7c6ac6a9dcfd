using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Analyses of observations that are far more precise than the ensemble: the transform's matrix is large beside the prior's weight, and
/// singular where fewer components are observed than there are members.
/// </summary>
[Collection(nameof(ThreadCounts))]
public sealed class PreciseObservationTests
{
    private const int N = 20, Size = 40;

    private static IAnalyzer<EnsembleMemory> Analyzer(string filter, double sigma)
    {
        var h = new IdentityObservationOperator(Size);
        var r = ErrorCovariance.Scalar(Size, sigma * sigma);
        return filter switch
        {
            "etkf" => new EnsembleTransformKalmanFilterAnalyzer(h, r),
            "enkf-n" => new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r),
            _ => new LocalEnsembleTransformKalmanFilterAnalyzer(h, r, new(LocalisationGeometry.Circle(Size),
                LocalisationRadius.EFolding(2))),
        };
    }

    private static (Tensor Members, Tensor Values) Draw(string filter, double sigma, long batch)
    {
        using var random = new RandomStream(1, $"{filter}/{sigma}", CPU);
        var members = 4 * random.Normal([batch, N, Size], ScalarType.Float64);
        return (members, members[.., 0] + sigma * random.Normal([batch, Size], ScalarType.Float64));
    }

    // Beyond 1 / (round-off) the products Y Y^T themselves hold the answer no more; the local filter's see a few sites only.
    [Theory]
    [InlineData("etkf", 1, 1e-12, 3e-5)]
    [InlineData("etkf", 1e-2, 1e-12, 3e-5)]
    [InlineData("etkf", 1e-3, 1e-12, 3e-4)]
    [InlineData("etkf", 1e-6, 1e-11, 0)]
    [InlineData("letkf", 1, 1e-12, 3e-5)]
    [InlineData("letkf", 1e-2, 1e-12, 3e-5)]
    [InlineData("letkf", 1e-3, 1e-12, 3e-4)]
    [InlineData("letkf", 3e-4, 1e-11, 3e-3)]
    [InlineData("letkf", 1e-6, 1e-11, 0)]
    [InlineData("letkf", 1e-8, 1e-10, 0)]
    public void The_kernels_agree_with_the_tensors(string filter, double sigma, double tolerance, double tolerance32)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(2, "unused", CPU);
        var analyzer = Analyzer(filter, sigma);
        var (members, values) = Draw(filter, sigma, 3);
        var expected = analyzer.Analyze(new(members.detach().requires_grad_()), new Observation(values, null, 0), random).Members.detach();
        var found = analyzer.Analyze(new(members), new Observation(values, null, 0), random).Members;
        Compare.Close(expected, found, 4 * tolerance);
        if (tolerance32 == 0) return;
        var single = analyzer.Analyze(new(members.@float()), new Observation(values.@float(), null, 0), random).Members;
        Compare.Close(expected, single.@double(), 4 * tolerance32);
    }

    [Theory]
    [InlineData("etkf", 1e-4, true)]
    [InlineData("etkf", 1e-9, false)]
    [InlineData("letkf", 5e-4, true)]
    [InlineData("letkf", 1e-5, true)]
    [InlineData("letkf", 1e-9, false)]
    [InlineData("enkf-n", 1e-3, true)]
    [InlineData("enkf-n", 1e-7, false)]
    public void A_few_observations_leave_the_ensemble_in_bounds_and_lanes_as_alone(string filter, double sigma, bool inSingle)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(2, "unused", CPU);
        var analyzer = Analyzer(filter, sigma);
        var (members, values) = Draw(filter, sigma, 19);
        var mask = zeros(19, Size, dtype: ScalarType.Bool);
        foreach (int site in new[] { 3, 4, 17 }) mask[.., site] = tensor(true);
        mask[5] = tensor(true);
        var type = inSingle ? ScalarType.Float32 : ScalarType.Float64;
        (members, values) = (members.to(type), values.to(type));
        var together = ThreadCounts.With(1, () => analyzer.Analyze(new(members), new Observation(values, mask, 0), random).Members);
        // (the noise of products beyond round-off may move members by spreads, as it always did, but not without bound)
        if (filter != "enkf-n") Assert.InRange(together.abs().max().ToDouble(), 0, 1e5);
        for (int row = 0; row < 19; row++)
        {
            Tensor Of(Tensor all) => all.narrow(0, row, 1);
            var alone = analyzer.Analyze(new(Of(members).clone()), new Observation(Of(values), Of(mask), 0), random).Members;
            Assert.True(Of(together).contiguous().bytes.SequenceEqual(alone.contiguous().bytes), $"trajectory {row}");
        }
    }

    [Fact]
    public void A_trajectory_that_blows_up_is_the_same_alone()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(2, "unused", CPU);
        var members = random.Normal([9, 8, Size], ScalarType.Float64);
        members[3] *= 1e80;
        var values = zeros(9, Size, dtype: ScalarType.Float64);
        foreach (string filter in new[] { "etkf", "enkf-n", "letkf" })
        {
            var analyzer = Analyzer(filter, 1);
            var together = ThreadCounts.With(1, () => analyzer.Analyze(new(members), new Observation(values, null, 0), random).Members);
            var alone = analyzer.Analyze(new(members[3..4].clone()), new Observation(values[3..4], null, 0), random).Members;
            Assert.True(together[3..4].nan_to_num(7).Equals(alone.nan_to_num(7)), filter);   // where the numbers end, no sign counts
        }
    }

    [Fact]
    public void Ensembles_that_have_no_kernel_alone_have_no_lanes()
    {
        using var scope = NewDisposeScope();
        var model = new Lorenz96(31);
        var h = new IdentityObservationOperator(31);
        ISideBySideAnalyzer<EnsembleMemory> analyzer = new LocalEnsembleTransformKalmanFilterAnalyzer(h, ErrorCovariance.Scalar(31, 1),
            new(LocalisationGeometry.Circle(31), LocalisationRadius.EFolding(4)));
        foreach (int members in new[] { 128, 129 })
            ThreadCounts.With(1, () =>
            {
                var start = zeros(17, members, 31, dtype: ScalarType.Float64);
                Assert.Equal(members <= 128, analyzer.SideBySide(new EnsemblePropagater(model), new(start)) is not null);
                return 0;
            });
    }
}
