namespace DaML;

/// <summary>Golden sections between the neighbours of the best value of a grid (Kiefer 1953, Proc. Amer. Math. Soc. 4, 502-506).</summary>
internal sealed class GoldenSection(TuningSearch search, double tolerance)
{
    private static readonly double Ratio = (Math.Sqrt(5) - 1) / 2;

    /// <summary>The requests of a search to the code that scores.</summary>
    public interface IScores
    {
        /// <summary>Announces the number of values that will be requested.</summary>
        void Expect(long more);

        /// <summary>Scores values, in parallel if possible.</summary>
        void Evaluate(params IReadOnlyList<double> values);

        /// <summary>Gives the score of a value that was evaluated.</summary>
        double Of(double value);
    }

    /// <summary>Evaluates values until the bracket is as narrow as the tolerance.</summary>
    public void Refine(IScores scores)
    {
        var grid = search.Values;
        int centre = Enumerable.Range(0, grid.Count).MinBy(i => scores.Of(grid[i]));
        if (!double.IsFinite(scores.Of(grid[centre]))) return;
        double left = search.Place(grid[Math.Max(0, centre - 1)]), right = search.Place(grid[Math.Min(grid.Count - 1, centre + 1)]);
        if (right - left <= tolerance) return;
        scores.Expect(1 + (long)Math.Ceiling(Math.Log(tolerance / (right - left)) / Math.Log(Ratio) - 1e-9));

        double inner = right - Ratio * (right - left), outer = left + Ratio * (right - left);
        scores.Evaluate(search.Value(inner), search.Value(outer));
        double innerScore = scores.Of(search.Value(inner)), outerScore = scores.Of(search.Value(outer));
        while ((right - left) * Ratio > tolerance)
        {
            // If both diverged, towards the grid's best value.
            bool keepsLeft = innerScore < outerScore || (innerScore == outerScore && search.Place(grid[centre]) <= inner);
            if (keepsLeft)
            {
                (right, outer, outerScore) = (outer, inner, innerScore);
                innerScore = Score(inner = right - Ratio * (right - left));
            }
            else
            {
                (left, inner, innerScore) = (inner, outer, outerScore);
                outerScore = Score(outer = left + Ratio * (right - left));
            }
        }

        double Score(double place)
        {
            double value = search.Value(place);
            scores.Evaluate(value);
            return scores.Of(value);
        }
    }
}
