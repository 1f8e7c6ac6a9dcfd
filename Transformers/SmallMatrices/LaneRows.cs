using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>Moves numbers between rows, one for each trajectory, and vectors with one trajectory per lane.</summary>
internal static unsafe class LaneRows
{
    /// <summary>Gathers rows: element j of all of them becomes vector j. Lanes beyond the last row repeat it.</summary>
    /// <param name="rows">The first row.</param>
    /// <param name="distance">From one row to the next, in numbers.</param>
    /// <param name="count">The number of rows, at most that of the lanes.</param>
    /// <param name="length">The length of a row.</param>
    /// <param name="vectors">Receives as many vectors.</param>
    public static void Load<T>(T* rows, long distance, int count, int length, Vector512<T>* vectors) where T : unmanaged
    {
        for (int lane = 0; lane < Vector512<T>.Count; lane++)
        {
            T* from = rows + Math.Min(lane, count - 1) * distance, to = (T*)vectors + lane;
            for (int j = 0; j < length; j++) to[j * Vector512<T>.Count] = from[j];
        }
    }

    /// <summary>Writes vectors back to rows.</summary>
    /// <param name="vectors">As many vectors as a row has numbers.</param>
    /// <param name="rows">The first row.</param>
    /// <param name="distance">From one row to the next, in numbers.</param>
    /// <param name="count">The number of rows, at most that of the lanes.</param>
    /// <param name="length">The length of a row.</param>
    public static void Store<T>(Vector512<T>* vectors, T* rows, long distance, int count, int length) where T : unmanaged
    {
        for (int lane = 0; lane < count; lane++) Store(vectors, lane, rows + lane * distance, length);
    }

    /// <summary>Writes one lane of some vectors to its row.</summary>
    public static void Store<T>(Vector512<T>* vectors, int lane, T* row, int length) where T : unmanaged
    {
        T* from = (T*)vectors + lane;
        for (int j = 0; j < length; j++) row[j] = from[j * Vector512<T>.Count];
    }

    /// <summary>Gathers masks: all bits are set where a number is not zero. Lanes beyond the last row repeat it.</summary>
    /// <param name="rows">The rows, one behind the other.</param>
    /// <param name="count">The number of rows, at most that of the lanes.</param>
    /// <param name="length">The length of a row.</param>
    /// <param name="vectors">Receives as many vectors.</param>
    public static void LoadMask<T>(byte* rows, int count, int length, Vector512<T>* vectors) where T : unmanaged
    {
        for (int lane = 0; lane < Vector512<T>.Count; lane++)
            for (int k = 0; k < length; k++)
                ((T*)(vectors + k))[lane] = rows[Math.Min(lane, count - 1) * length + k] == 0 ? default : Vector512<T>.AllBitsSet[0];
    }
}
