using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Windows drawn from a record, by index.</summary>
public sealed class LaggedRecordTests
{
    private readonly DataAssimilationContext context = new(3);

    [Theory, InlineData(2, 3, 2), InlineData(3, 1, 2), InlineData(2, 2, 4)]
    public void A_start_is_a_window_and_what_comes_after_it(int lags, int leads, int length)
    {
        using var scope = NewDisposeScope();
        const int cycles = 8, batch = 2;
        var values = context.Noise("values", cycles, batch, 3);
        var record = LaggedRecord.Read(context.View(values, 0.5), Records.Values, lags, leads, "test", default);
        Assert.Equal((cycles - lags - leads + 1, 0.5, 3L), (record.Starts, record.Interval, record.ValueCount));
        var (windows, coming) = record.Take(arange(record.Starts * batch), length);
        Assert.Equal([record.Starts * batch, length, 3], windows.shape);
        for (int start = 0; start < record.Starts; start++)
            for (int trajectory = 0; trajectory < batch; trajectory++)
            {
                int row = start * batch + trajectory, now = start + lags - 1;
                for (int lag = 0; lag < length; lag++)
                    // +0 where it is zero of either sign
                    Bits.Equal(now >= lag ? values[now - lag, trajectory] : zeros(3, dtype: ScalarType.Float64), windows[row, lag] + 0.0);
                Bits.Equal(values[(now + 1)..(now + 1 + leads), trajectory], coming[row]);
            }
        // In units of the deviations, for the value after.
        var (scaled, next) = record.With(lags, 1).Pairs();
        var deviations = values.flatten(0, 1).square().mean([0]).sqrt();
        Assert.Equal([(cycles - lags) * (long)batch, lags * 3], scaled.shape);
        Assert.True(Records.Largest(scaled[batch].reshape(lags, 3) * deviations - values[1..(lags + 1), 0].flip(0)) < 1e-14);
        Assert.True(Records.Largest(next[batch] * deviations - values[lags + 1, 0]) < 1e-14);
    }
}
