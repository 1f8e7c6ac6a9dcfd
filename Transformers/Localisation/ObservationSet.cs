using System.Numerics;

namespace DaML.Components;

/// <summary>A set of observations that several threads may add to at once. Its work is in proportion to what it holds, not to
/// all.</summary>
/// <param name="observations">p, the number of observations there are.</param>
internal sealed class ObservationSet(int observations)
{
    private const int Bits = 64, Page = 4096; // observations of a word and of a page

    private readonly ulong[] words = new ulong[(observations + Bits - 1) / Bits];
    private readonly bool[] pages = new bool[(observations + Page - 1) / Page];

    /// <summary>Adds an observation.</summary>
    public void Add(int observation)
    {
        ulong bit = 1UL << observation % Bits;
        if ((Volatile.Read(ref words[observation / Bits]) & bit) != 0) return;
        Interlocked.Or(ref words[observation / Bits], bit);
        pages[observation / Page] = true;
    }

    /// <summary>Adds observations that follow each other; one thread at a time.</summary>
    /// <param name="first">The first.</param>
    /// <param name="count">Their number.</param>
    public void AddRange(int first, int count)
    {
        for (int end = first + count; first < end;)
        {
            int within = Math.Min(end - first, Bits - first % Bits);
            words[first / Bits] |= (within == Bits ? ulong.MaxValue : (1UL << within) - 1) << first % Bits;
            pages[first / Page] = true;
            first += within;
        }
    }

    /// <summary>Moves the observations out of the set, which is empty then.</summary>
    /// <param name="list">Receives them in ascending order; grows if it must.</param>
    /// <returns>Their number.</returns>
    public int MoveTo(ref int[] list)
    {
        int count = 0;
        for (int page = 0; page < pages.Length; page++)
        {
            if (!pages[page]) continue;
            pages[page] = false;
            if (list.Length < count + Page) Array.Resize(ref list, Math.Max(2 * list.Length, count + Page));
            for (int word = page * (Page / Bits); word < Math.Min(words.Length, (page + 1) * (Page / Bits)); word++)
            {
                for (ulong left = words[word]; left != 0; left &= left - 1)
                    list[count++] = word * Bits + BitOperations.TrailingZeroCount(left);
                words[word] = 0;
            }
        }
        return count;
    }
}
