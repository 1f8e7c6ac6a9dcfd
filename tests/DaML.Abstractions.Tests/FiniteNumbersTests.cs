using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class FiniteNumbersTests
{
    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    public void One_number_that_is_none_is_found_wherever_it_is(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        foreach (int n in new[] { 1, 3, 8, 21, 64 })
            for (int at = -1; at < n; at++)
                foreach (double value in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
                {
                    using var inner = NewDisposeScope();
                    var numbers = ones(n, dtype: dtype);
                    if (at >= 0) numbers[at] = value;
                    Assert.Equal(at < 0, FiniteNumbers.All(numbers));
                    Assert.Equal(at < 0, FiniteNumbers.All(numbers.unsqueeze(1).expand(n, 2).mT));
                }
    }

    [Fact]
    public void Numbers_whose_sum_is_infinite_are_finite_and_what_is_no_number_with_a_point_always_is()
    {
        using var scope = NewDisposeScope();
        Assert.True(FiniteNumbers.All(full(10, 1e308, dtype: ScalarType.Float64)));
        Assert.True(FiniteNumbers.All(full(10, 1e308, dtype: ScalarType.Float64).expand(3, 10)));
        Assert.True(FiniteNumbers.All(ones(4, dtype: ScalarType.Int64)));
        Assert.True(FiniteNumbers.All(zeros(0, dtype: ScalarType.Float64)));
    }
}
