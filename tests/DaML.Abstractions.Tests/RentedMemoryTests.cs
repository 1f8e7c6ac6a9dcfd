using System.Diagnostics;

namespace DaML.Tests;

public sealed unsafe class RentedMemoryTests
{
    [Fact]
    public void A_thread_lends_the_same_memory_again_and_it_begins_at_a_cache_line()
    {
        nint first;
        using (var rented = new RentedMemory<double>(1000)) first = (nint)rented.Start;
        Assert.Equal(0, first % PinnedMemory.CacheLine);
        using var again = new RentedMemory<float>(2000);
        Assert.Equal(first, (nint)again.Start);
    }

    [Fact]
    public void Rentals_within_each_other_have_memory_of_their_own()
    {
        const int count = 300;
        using var outer = new RentedMemory<double>(count);
        new Span<double>(outer.Start, count).Fill(1);
        for (int again = 0; again < 2; again++)
        {
            using var inner = new RentedMemory<double>(count);
            new Span<double>(inner.Start, count).Fill(2);
            using (var innermost = new RentedMemory<float>(10 * count)) new Span<float>(innermost.Start, 10 * count).Fill(3);
            Assert.Equal(2 * count, Sum(inner.Start, count));
        }
        Assert.Equal(count, Sum(outer.Start, count));
    }

    [Fact]
    public void Memory_that_is_given_back_out_of_turn_or_by_another_thread_is_refused()
    {
        var outer = new RentedMemory<double>(10);
        var inner = new RentedMemory<double>(10);
        Assert.Contains("this was rental 1, and 2 are in use", Assert.Throws<UnreachableException>(outer.Dispose).Message);
        Exception? caught = null;
        var other = new Thread(() => caught = Record.Exception(inner.Dispose));
        other.Start();
        other.Join();
        Assert.Contains("a different thread returned", Assert.IsType<UnreachableException>(caught).Message);
        inner.Dispose();
        outer.Dispose();
        Assert.Contains("and 0 are in use", Assert.Throws<UnreachableException>(outer.Dispose).Message);
    }

    private static double Sum(double* numbers, int count)
    {
        double sum = 0;
        for (int i = 0; i < count; i++) sum += numbers[i];
        return sum;
    }
}
