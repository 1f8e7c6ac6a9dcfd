namespace DaML.Components;

/// <summary>The check of possible ranks.</summary>
internal static class HessianRank
{
    public static int Check(int rank, long dimension)
    {
        if (rank < 1 || rank > dimension)
            throw new ArgumentOutOfRangeException(nameof(rank), rank,
                $"The rank of an approximate Hessian must be between 1 and the dimension, {dimension}; given: {rank}.");
        return rank;
    }
}
