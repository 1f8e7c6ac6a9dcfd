using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

[Collection(nameof(ThreadCounts))]
public sealed class ThreadCountTests
{
    [Fact]
    public void The_thread_count_is_the_machines_unless_said_otherwise()
    {
        var before = get_num_threads();
        if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null) Assert.Equal(Environment.ProcessorCount, before);
        set_num_threads(1);
        Assert.Equal(1, get_num_threads());
        set_num_threads(before);
        Assert.True(get_num_interop_threads() >= 1);
    }

    [Fact]
    public void Every_thread_takes_on_the_number_of_threads_that_was_set_and_computes_the_same_bits()
    {
        int before = get_num_threads();
        try
        {
            using var scope = NewDisposeScope();
            var noise = rand(64, 64, dtype: ScalarType.Float64, generator: new Generator(1));
            var matrix = noise.matmul(noise.T);
            foreach (int count in new[] { 1, 2 })
            {
                set_num_threads(count);
                var (values, expected) = linalg.eigh(matrix);
                values.Dispose();
                int seen = 0;
                bool same = false;
                var thread = new Thread(() =>
                {
                    using var inner = NewDisposeScope();
                    same = linalg.eigh(matrix).Item2.equal(expected).all().ToBoolean();
                    seen = get_num_threads();
                });
                thread.Start();
                thread.Join();
                Assert.Equal(count, seen);
                Assert.True(same);
            }
        }
        finally { set_num_threads(before); }
    }
}
