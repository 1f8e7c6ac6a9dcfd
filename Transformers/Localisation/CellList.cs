namespace DaML.Components;

/// <summary>
/// Places sorted into cells no smaller than a reach, so that all neighbours of a place are in its cell and the adjacent ones: the work
/// for all places grows with their number and not with its square.
/// </summary>
internal sealed class CellList
{
    private readonly ObservationPlaces places;
    private readonly double[] periods, low, sizes;
    private readonly int[] counts, starts, sorted;
    private readonly int axes;
    private readonly double reach;

    /// <summary>Sorts places.</summary>
    /// <param name="places">The places.</param>
    /// <param name="periods">The length of each axis, infinite for a bounded one.</param>
    /// <param name="reach">The largest distance of neighbours; may be infinite.</param>
    public CellList(ObservationPlaces places, double[] periods, double reach)
    {
        (this.places, this.periods, this.reach) = (places, periods, reach);
        axes = periods.Length;
        int count = places.Count;
        (low, sizes, counts) = (new double[axes], new double[axes], new int[axes]);
        Span<double> high = stackalloc double[3], place = stackalloc double[3];
        high.Fill(double.NegativeInfinity);
        Array.Fill(low, double.PositiveInfinity);
        place = place[..axes];
        for (int k = 0; k < count; k++)
        {
            places.Of(k, place);
            for (int axis = 0; axis < axes; axis++)
                (low[axis], high[axis]) = (Math.Min(low[axis], place[axis]), Math.Max(high[axis], place[axis]));
        }
        // No more cells along an axis than would hold one place each if all places were spread evenly.
        double most = Math.Max(1, Math.Ceiling(Math.Pow(count, 1.0 / axes)));
        for (int axis = 0; axis < axes; axis++)
        {
            bool periodic = double.IsFinite(periods[axis]);
            double length = periodic ? periods[axis] : high[axis] - low[axis];
            if (periodic) low[axis] = 0;
            counts[axis] = (int)Math.Clamp(Math.Floor(length / reach), 1, most);
            sizes[axis] = length > 0 ? length / counts[axis] : 1;
        }
        starts = new int[counts.Aggregate(1, (product, n) => product * n) + 1];
        for (int k = 0; k < count; k++)
        {
            places.Of(k, place);
            starts[Cell(place)]++;
        }
        for (int c = 1; c < starts.Length; c++) starts[c] += starts[c - 1];
        // From the end of each cell to its start, from the last place to the first: a cell's places are in ascending order.
        sorted = new int[count];
        for (int k = count - 1; k >= 0; k--)
        {
            places.Of(k, place);
            sorted[--starts[Cell(place)]] = k;
        }
    }

    /// <summary>Finds all places within reach of a place, the reach itself included, in arbitrary order.</summary>
    /// <param name="place">The coordinates of the place.</param>
    /// <param name="found">Receives the number and the distance of each place.</param>
    public void Near(ReadOnlySpan<double> place, LocalObservations found)
    {
        Span<int> from = stackalloc int[3], to = stackalloc int[3];
        Span<double> other = stackalloc double[3];
        other = other[..axes];
        for (int axis = 0; axis < 3; axis++)
        {
            (from[axis], to[axis]) = (0, 0);
            if (axis >= axes || counts[axis] == 1) continue;
            double x = Wrapped(place[axis], axis) - low[axis];
            double first = Math.Floor((x - reach) / sizes[axis]), last = Math.Floor((x + reach) / sizes[axis]);
            if (double.IsFinite(periods[axis]))
                (from[axis], to[axis]) = last - first + 1 >= counts[axis] ? (0, counts[axis] - 1) : ((int)first, (int)last);
            else (from[axis], to[axis]) = ((int)Math.Clamp(first, 0, counts[axis]), (int)Math.Clamp(last, -1, counts[axis] - 1));
        }
        for (int i = from[0]; i <= to[0]; i++)
            for (int j = from[1]; j <= to[1]; j++)
                for (int k = from[2]; k <= to[2]; k++)
                {
                    int cell = Around(i, 0);
                    if (axes > 1) cell = cell * counts[1] + Around(j, 1);
                    if (axes > 2) cell = cell * counts[2] + Around(k, 2);
                    for (int at = starts[cell]; at < starts[cell + 1]; at++)
                    {
                        places.Of(sorted[at], other);
                        double distance = Distance(place, other);
                        if (distance <= reach) found.Add(sorted[at], distance);
                    }
                }
    }

    private int Around(int index, int axis) => index < 0 ? index + counts[axis] : index >= counts[axis] ? index - counts[axis] : index;

    private double Wrapped(double x, int axis)
    {
        double period = periods[axis];
        return double.IsFinite(period) ? x - period * Math.Floor(x / period) : x;
    }

    private int Cell(ReadOnlySpan<double> place)
    {
        int cell = 0;
        for (int axis = 0; axis < axes; axis++)
            cell = cell * counts[axis] + Math.Clamp((int)((Wrapped(place[axis], axis) - low[axis]) / sizes[axis]), 0, counts[axis] - 1);
        return cell;
    }

    private double Distance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double squares = 0;
        for (int axis = 0; axis < axes; axis++)
        {
            double difference = Math.Abs(a[axis] - b[axis]);
            if (double.IsFinite(periods[axis])) difference = Math.Abs(difference - periods[axis] * Math.Round(difference / periods[axis]));
            squares += difference * difference;
        }
        return Math.Sqrt(squares);
    }
}
