using MathNet.Numerics.LinearAlgebra;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Proper orthogonal decomposition against the singular value decomposition and its own identities.</summary>
public sealed class ProperOrthogonalDecompositionTests
{
    private static readonly Column Field = new("field"), Coefficients = new("coefficients"), Again = new("again");
    private readonly DataAssimilationContext context = new(11);
    private readonly Tensor field;
    private readonly MemoryTrajectoryView view;

    public ProperOrthogonalDecompositionTests()
    {
        using var random = context.Random("pod");
        // 200 cycles of 2 trajectories of 12 points, correlated and with a mean
        var mixing = random.Normal([12, 12], ScalarType.Float64) * linspace(3, 0.1, 12, dtype: ScalarType.Float64).unsqueeze(1);
        field = matmul(random.Normal([200, 2, 12], ScalarType.Float64), mixing) + 7;
        view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = field },
            [.. Enumerable.Range(1, 200).Select(cycle => (double)cycle)]);
    }

    [Fact]
    public void ModesAndVariancesAreThoseOfTheCovarianceMatrix()
    {
        var pod = Fit(new ModeSelection.Count(5)).Decomposition;
        var x = field.flatten(0, 1);
        var anomaly = x - x.mean([0]);
        var (values, vectors) = linalg.eigh(matmul(anomaly.mT, anomaly) / 400);
        for (int k = 0; k < 5; k++)
        {
            Assert.Equal(values[11 - k].ToDouble(), pod.Variances[k].ToDouble(), 9);
            Assert.Equal(1, Math.Abs(vectors[.., 11 - k].dot(pod.Modes[.., k]).ToDouble()), 10);
            var mode = pod.Modes[.., k];
            Assert.True(mode[mode.abs().argmax()].ToDouble() > 0);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ModesAreOrthonormalAndCoefficientsUncorrelatedInTheWeights(bool weighted)
    {
        var weights = weighted ? linspace(0.2, 1, 12, dtype: ScalarType.Float64) : ones(12, dtype: ScalarType.Float64);
        var fitted = Fit(new ModeSelection.Count(6), weighted ? weights : null);
        var pod = fitted.Decomposition;
        var gram = matmul(pod.Modes.mT, pod.Modes * weights.unsqueeze(1));
        Assert.True((gram - eye(6, dtype: ScalarType.Float64)).abs().max().ToDouble() < 1e-12);

        using var projected = fitted.Transform(view).Materialise();
        var c = projected[Coefficients].flatten(0, 1);
        Assert.True(c.mean([0]).abs().max().ToDouble() < 1e-10);
        Assert.True((matmul(c.mT, c) / 400 - pod.Variances.diag()).abs().max().ToDouble() < 1e-9);

        // Parseval: weighted mean square of the anomaly = variances of the coefficients + weighted truncation variance.
        var anomaly = field.flatten(0, 1) - pod.Mean;
        double whole = (anomaly.square() * weights).sum(1).mean().ToDouble();
        Assert.Equal(whole, pod.Variances.sum().ToDouble() + (weights * pod.TruncationVariance).sum().ToDouble(), 8);
        Assert.Equal(pod.Variances.sum().ToDouble() / whole, pod.VarianceFraction, 12);
    }

    // MathNet's decomposition shares no code with libtorch.
    [Fact]
    public void ItIsAnotherLibrarysSingularValueDecomposition()
    {
        double[] area = [.. Enumerable.Range(0, 12).Select(i => 0.2 + 0.05 * i * i)];
        var pod = Fit(new ModeSelection.Count(7), tensor(area)).Decomposition;
        double[] values = field.ToArray<double>();
        double[] mean = [.. Enumerable.Range(0, 12).Select(i => Enumerable.Range(0, 400).Average(sample => values[12 * sample + i]))];
        var y = Matrix<double>.Build.Dense(400, 12, (sample, i) => (values[12 * sample + i] - mean[i]) * Math.Sqrt(area[i]));
        var svd = y.Svd();
        for (int k = 0; k < 7; k++)
        {
            Assert.Equal(1, pod.Variances[k].ToDouble() / (svd.S[k] * svd.S[k] / 400), 1e-12);
            double[] mode = pod.Modes[.., k].ToArray<double>();
            double sign = Math.Sign(svd.VT[k, 0] * mode[0]);
            for (int i = 0; i < 12; i++) Assert.Equal(sign * svd.VT[k, i] / Math.Sqrt(area[i]), mode[i], 1e-10);
        }
        for (int k = 0; k < 7; k++)
        {
            double left = svd.S.Skip(k + 1).Sum(value => value * value) / 400, total = svd.S.Sum(value => value * value) / 400;
            var error = pod.ReconstructionErrors[k];
            Assert.Equal(k + 1, error.Modes);
            Assert.Equal(left / total, error.LeftOut, 1e-12);
            Assert.Equal(1 - left / total, error.VarianceFraction, 1e-12);
            Assert.Equal(Math.Sqrt(left / area.Sum()), error.RootMeanSquare, 1e-10);
        }
        Assert.Equal(pod.VarianceFraction, pod.ReconstructionErrors[^1].VarianceFraction, 1e-14);
    }

    // numpy 1.24.2: x = fromfunction(lambda t, i: sin(t * (i + 1)) + cos(i * i + t) / (1 + i), (6, 4)); a = array([1, 2, 3, 4]);
    // y = (x - x.mean(0)) * sqrt(a); u, s, vt = linalg.svd(y, full_matrices=False); s ** 2 / 6; vt[0] / sqrt(a); residual of two modes.
    [Fact]
    public void ItIsTheSingularValueDecompositionOfNumPy()
    {
        double[] x = [.. Enumerable.Range(0, 24).Select(at => (t: at / 4, i: at % 4)).Select(at =>
            Math.Sin(at.t * (at.i + 1)) + Math.Cos(at.i * at.i + at.t) / (1 + at.i))];
        var six = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = tensor(x).reshape(6, 1, 4) }, [1, 2, 3, 4, 5, 6]);
        var pod = new ProperOrthogonalDecompositionEstimator(Field, Coefficients, new ModeSelection.Count(2), tensor((double[])[1, 2, 3,
            4])).Fit(six).Decomposition;
        double[] variances = [2.671718837371745, 1.2816404902958356], mode = [-0.19097216435965456, -0.3809563107926651,
            0.0560149030157248, 0.40738839051165], truncation = [0.256067716817623, 0.05481837820338715, 0.10504360214199616,
            0.03264609237958544];
        for (int k = 0; k < 2; k++) Assert.Equal(variances[k], pod.Variances[k].ToDouble(), 1e-12);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(mode[i], pod.Modes[i, 0].ToDouble(), 1e-12);
            Assert.Equal(truncation[i], pod.TruncationVariance[i].ToDouble(), 1e-12);
        }
    }

    [Fact]
    public void AFieldOfAnotherGridIsRefused()
    {
        var pod = Fit(new ModeSelection.Count(3)).Decomposition;
        string message = Assert.Throws<ArgumentException>(() => pod.Project(ones(2, 15, dtype: ScalarType.Float64))).Message;
        Assert.Contains("The field has 15 points; the decomposition was learned on a grid of 12. Interpolate the field to that grid",
            message);
        Assert.Contains("The coefficients to reconstruct a field of", Assert.Throws<ArgumentException>(() => pod.Reconstruct(ones(2, 4,
            dtype: ScalarType.Float64))).Message);
    }

    [Fact]
    public void CopiesOfAPointAddNoMode()
    {
        var twice = cat([field, field], dim: 2);
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = twice }, [.. Enumerable.Range(1,
            200).Select(cycle => (double)cycle)]);
        ProperOrthogonalDecomposition Of(ModeSelection selection) => new ProperOrthogonalDecompositionEstimator(Field, Coefficients,
            selection).Fit(view).Decomposition;
        Assert.Contains("13 modes were asked for, and the training data vary in 12 directions only",
            Assert.Throws<ArgumentException>(() => Of(new ModeSelection.Count(13))).Message);
        Assert.Equal(12, Of(new ModeSelection.Variance(1)).ModeCount);
        var single = Fit(new ModeSelection.Count(12)).Decomposition;
        Assert.True((Of(new ModeSelection.Count(12)).Variances / single.Variances - 2).abs().max().ToDouble() < 1e-10);
        // The mean of three samples takes one direction.
        var few = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = field[..3, ..1] }, [1, 2, 3]);
        Assert.Contains("vary in 2 directions only", Assert.Throws<ArgumentException>(() =>
            new ProperOrthogonalDecompositionEstimator(Field, Coefficients, new ModeSelection.Count(3)).Fit(few)).Message);
    }

    [Fact]
    public void AllModesReconstructTheField()
    {
        var fitted = Fit(new ModeSelection.Count(12));
        using var both = fitted.Append(fitted.Inverse(Coefficients, Again)).Transform(view).Materialise();
        Assert.True((both[Again] - field).abs().max().ToDouble() < 1e-11);
        Assert.Equal(1, fitted.Decomposition.VarianceFraction, 12);
    }

    [Fact]
    public void AFractionOfVarianceTakesTheFewestModesThatHoldIt()
    {
        var pod = Fit(new ModeSelection.Variance(0.9)).Decomposition;
        Assert.InRange(pod.ModeCount, 2, 11);
        Assert.True(pod.VarianceFraction >= 0.9);
        Assert.True(Fit(new ModeSelection.Count((int)pod.ModeCount - 1)).Decomposition.VarianceFraction < 0.9);
        Assert.Equal(12, Fit(new ModeSelection.Variance(1)).Decomposition.ModeCount);
    }

    [Fact]
    public void TheTruncationErrorAtSitesIsThatOfTheResiduals()
    {
        var pod = Fit(new ModeSelection.Count(4)).Decomposition;
        var sites = new SubsetObservationOperator(12, [2, 9, 5]);
        using var covariance = pod.TruncationErrorCovariance(view, Field, sites);
        var x = field.flatten(0, 1);
        var residual = (x - pod.Reconstruct(pod.Project(x))).index_select(1, tensor((long[])[2, 9, 5]));
        Assert.True((covariance - matmul(residual.mT, residual) / 400).abs().max().ToDouble() < 1e-12);
        Assert.Equal(pod.TruncationVariance[9].ToDouble(), covariance[1, 1].ToDouble(), 11);
    }

    [Fact]
    public void ItIsTheSameToTheBitAfterSaving()
    {
        var fitted = Fit(new ModeSelection.Count(4), linspace(0.2, 1, 12, dtype: ScalarType.Float64));
        var chain = fitted.Append(fitted.Inverse(Coefficients, Again));
        using var before = chain.Transform(view).Materialise();
        using var after = Reloaded.Of(chain, context).Transform(view).Materialise();
        foreach (var column in (Column[])[Coefficients, Again])
            Assert.Equal(before[column].data<double>().ToArray(), after[column].data<double>().ToArray());
    }

    [Fact]
    public void WhatCannotBeDecomposedIsRefused()
    {
        Assert.Contains("13 modes were asked for, and the training data have at most 12",
            Assert.Throws<ArgumentException>(() => Fit(new ModeSelection.Count(13))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Fit(new ModeSelection.Count(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Fit(new ModeSelection.Variance(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Fit(new ModeSelection.Variance(1.1)));
        Assert.Contains("above zero; the smallest given is 0",
            Assert.Throws<ArgumentException>(() => Fit(new ModeSelection.Count(3), zeros(12, dtype: ScalarType.Float64))).Message);
        Assert.Contains("of shape [5], but it has shape [12]",
            Assert.Throws<SchemaException>(() => Fit(new ModeSelection.Count(3), ones(5, dtype: ScalarType.Float64))).Message);
        var still = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = full([3, 1, 2], 1013.1,
            dtype: ScalarType.Float64) }, [1, 2, 3]);
        Assert.Contains("does not vary",
            Assert.Throws<ArgumentException>(() =>
                new ProperOrthogonalDecompositionEstimator(Field, Coefficients, new ModeSelection.Count(1)).Fit(still)).Message);
        var skew = tensor(new double[,] { { 1, 1 }, { 0, 1 } });
        var two = ones(2, dtype: ScalarType.Float64);
        Assert.Contains("orthonormal",
            Assert.Throws<ArgumentException>(() => new ProperOrthogonalDecomposition(two, skew, two, two, two)).Message);
    }

    private ProperOrthogonalDecompositionTransformer Fit(ModeSelection selection, Tensor? weights = null) =>
        new ProperOrthogonalDecompositionEstimator(Field, Coefficients, selection, weights).Fit(view);
}
