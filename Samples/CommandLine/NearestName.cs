namespace DaML.Samples;

/// <summary>Finds the name that was probably meant where one was mistyped.</summary>
internal static class NearestName
{
    /// <summary>The name with the fewest differing letters, at most a third of its length; null if there is none.</summary>
    /// <param name="typed">What was typed.</param>
    /// <param name="names">The names there are.</param>
    public static string? Find(string typed, IEnumerable<string> names) => names
        .Select(name => (Name: name, Distance: Distance(typed.ToLowerInvariant(), name)))
        .Where(pair => 3 * pair.Distance <= Math.Max(pair.Name.Length, 3))
        .OrderBy(pair => pair.Distance).Select(pair => pair.Name).FirstOrDefault();

    // Damerau's distance of adjacent letters: letters inserted, left out, exchanged, or swapped with their neighbour.
    private static int Distance(string a, string b)
    {
        int[,] distance = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        for (int j = 0; j <= b.Length; j++)
        {
            if (i == 0 || j == 0)
            {
                distance[i, j] = i + j;
                continue;
            }
            int exchanged = distance[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            distance[i, j] = Math.Min(exchanged, 1 + Math.Min(distance[i - 1, j], distance[i, j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                distance[i, j] = Math.Min(distance[i, j], 1 + distance[i - 2, j - 2]);
        }
        return distance[a.Length, b.Length];
    }
}
