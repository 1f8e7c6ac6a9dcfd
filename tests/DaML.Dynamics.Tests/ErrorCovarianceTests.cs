using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Each form of R against its own matrix in dense algebra, whole and masked.</summary>
public sealed class ErrorCovarianceTests : IDisposable
{
    private const int P = 5;
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    public static TheoryData<string> Kinds => ["scalar", "diagonal", "full"];

    private static ErrorCovariance Make(string kind) => kind switch
    {
        "scalar" => ErrorCovariance.Scalar(P, 2.5),
        "diagonal" => ErrorCovariance.Diagonal(0.1, 1, 2, 30, 400),
        _ => ErrorCovariance.Full(Numbers.Spd(1, P)),
    };

    [Theory, MemberData(nameof(Kinds))]
    public void The_products_are_those_of_the_matrix(string kind)
    {
        var covariance = Make(kind);
        var r = covariance.ToMatrix(ScalarType.Float64, CPU);
        var inverse = linalg.inv(r);
        foreach (var v in (Tensor[])[Numbers.Normal(2, P), Numbers.Normal(3, 4, P), Numbers.Normal(4, 4, 3, P)])
        {
            Numbers.Close(matmul(v, inverse), covariance.ApplyInverse(v), 1e-13);
            var white = covariance.Whiten(v);
            Numbers.Close((matmul(v, inverse) * v).sum(-1), white.square().sum(-1), 1e-13);
            Numbers.Close(v, covariance.Colour(white), 1e-13);
            Numbers.Close(matmul(v, r), covariance.Colour(covariance.ColourAdjoint(v)), 1e-13);
        }
        var identity = eye(P, dtype: ScalarType.Float64);
        var factor = covariance.Colour(identity); // rows L e_i
        Numbers.Close(r, matmul(factor.mT, factor), 1e-13);
        Numbers.Close(factor.mT, covariance.ColourAdjoint(identity), 1e-15); // rows L^T e_i
        Assert.Equal(linalg.slogdet(r).Item2.ToDouble(), covariance.LogDeterminant, 1e-12);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void With_a_mask_they_are_those_of_the_part_that_exists(string kind)
    {
        var covariance = Make(kind);
        var r = covariance.ToMatrix(ScalarType.Float64, CPU);
        var mask = tensor(new bool[] { true, true, false, true, false, false, false, false, false, false, true, true, true, true, true }, 3,
            P);
        var v = Numbers.Normal(5, 3, 2, P);
        Tensor inverse = covariance.ApplyInverse(v, mask), white = covariance.Whiten(v, mask);
        for (int b = 0; b < 3; b++)
        {
            long[] exists = [.. Enumerable.Range(0, P).Where(i => mask[b, i].ToBoolean()).Select(i => (long)i)];
            long[] missing = [.. Enumerable.Range(0, P).Select(i => (long)i).Except(exists)];
            for (int m = 0; m < 2; m++)
            {
                if (missing.Length > 0)
                    Assert.Equal(0,
                        inverse[b, m].index_select(0, tensor(missing)).abs().max().ToDouble()
                        + white[b, m].index_select(0, tensor(missing)).abs().max().ToDouble());
                if (exists.Length == 0) continue;
                var index = tensor(exists);
                var part = v[b, m].index_select(0, index);
                var expected = linalg.solve(r.index_select(0, index).index_select(1, index), part);
                Numbers.Close(expected, inverse[b, m].index_select(0, index), 1e-13);
                Assert.Equal((expected * part).sum().ToDouble(), white[b, m].square().sum().ToDouble(), 1e-12);
            }
        }
        var all = ones([3, P], dtype: ScalarType.Bool);
        Numbers.Close(covariance.ApplyInverse(v), covariance.ApplyInverse(v, all), 1e-13);
        Numbers.Close(covariance.Whiten(v), covariance.Whiten(v, all), 1e-13);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void What_is_missing_may_hold_any_number_and_gets_no_gradient(string kind)
    {
        var covariance = Make(kind);
        var mask = tensor(new bool[] { true, false, true, true, false }, 1, P);
        var v = Numbers.Normal(6, 1, P);
        var wild = v.where(mask, 1e300);
        Assert.Equal(covariance.ApplyInverse(v, mask).Bits(), covariance.ApplyInverse(wild, mask).Bits());
        var tracked = v.clone().requires_grad_();
        var gradient = autograd.grad([covariance.Whiten(tracked, mask).square().sum()], [tracked])[0];
        Numbers.Close(2 * covariance.ApplyInverse(v, mask), gradient, 1e-13);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Draws_have_the_covariance(string kind)
    {
        var covariance = Make(kind);
        using var random = new RandomStream(1, "draws", CPU);
        var draws = covariance.Sample([200_000], random, ScalarType.Float64);
        var r = covariance.ToMatrix(ScalarType.Float64, CPU);
        var deviations = r.diagonal().sqrt();
        Numbers.Close(r / deviations.outer(deviations), draws.mT.cov() / deviations.outer(deviations), 0.02);
        Assert.Equal([2, 3, P], covariance.Sample([2, 3], random, ScalarType.Float32).shape);
        Assert.Equal(ScalarType.Float32, covariance.Sample([2, 3], random, ScalarType.Float32).dtype);
    }

    [Fact]
    public void Single_precision_vectors_stay_in_single_precision()
    {
        foreach (string kind in (string[])["scalar", "diagonal", "full"])
        {
            var v = Numbers.Normal(7, 2, P);
            var mask = tensor(new bool[] { true, false, true, true, false, true, true, true, true, false }, 2, P);
            foreach (var m in (Tensor?[])[null, mask])
            {
                var given = Make(kind).ApplyInverse(v.@float(), m);
                Assert.Equal(ScalarType.Float32, given.dtype);
                Numbers.Close(Make(kind).ApplyInverse(v, m), given.@double(), 1e-5);
            }
        }
    }

    [Fact]
    public void What_is_no_covariance_is_refused()
    {
        foreach (double bad in (double[])[-1, double.NaN, double.PositiveInfinity])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => ErrorCovariance.Scalar(3, bad));
            Assert.Throws<ArgumentException>(() => ErrorCovariance.Diagonal(1, bad));
            Assert.Throws<ArgumentException>(() => ErrorCovariance.Full(tensor([1, 0, 0, bad]).reshape(2, 2)));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => ErrorCovariance.Scalar(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ErrorCovariance.Diagonal());
        Refused("positive semidefinite", [1, 2, 2, 1]);       // eigenvalues 3 and -1
        Refused("eigenvalue of its correlations is -1", [1, 2, 2, 1]);
        Refused("eigenvalue of its correlations is -1", [1e-20, 2e-20, 2e-20, 1e-20]);
        Refused("variances is -1", [1, 0, 0, -1]);
        Refused("variance zero has non-zero covariances", [1, 0.5, 0.5, 0]);
        Refused("symmetric", [1, 0.5, 0.4, 1]);
        Refused("finite", [1, double.NaN, double.NaN, 1]);
        Assert.Contains("[2, 3]", Assert.Throws<ArgumentException>(() => ErrorCovariance.Full(zeros(2, 3))).Message);
        Assert.Contains("Int64", Assert.Throws<ArgumentException>(() => ErrorCovariance.Full(eye(2, dtype: ScalarType.Int64))).Message);

        static void Refused(string word, double[] matrix) =>
            Assert.Contains(word, Assert.Throws<ArgumentException>(() => ErrorCovariance.Full(tensor(matrix).reshape(2, 2))).Message);
    }

    [Fact]
    public void Vectors_and_masks_of_a_wrong_shape_are_refused()
    {
        var covariance = ErrorCovariance.Scalar(3, 1);
        Assert.Contains("[2, 4]", Assert.Throws<ArgumentException>(() => covariance.ApplyInverse(zeros(2, 4))).Message);
        Assert.Throws<ArgumentException>(() => covariance.Colour(zeros(4)));
        Assert.Throws<ArgumentException>(() => covariance.Whiten(zeros(2, 3), ones([3, 3], dtype: ScalarType.Bool)));
        Assert.Throws<ArgumentException>(() => covariance.Whiten(zeros(3), ones([3, 3], dtype: ScalarType.Bool)));
        Assert.Contains("boolean", Assert.Throws<ArgumentException>(() => covariance.Whiten(zeros(2, 3), ones(2, 3))).Message);
    }
}
