using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Approximate eigenpairs of a preconditioned Hessian P A, from the Krylov space of a solve: P A z = theta z up to the given residual.
/// Every trajectory of a batch has its own pairs; if one has fewer than another, its remaining places are unknown.
/// </summary>
/// <param name="Values">theta, from the largest, <c>[batch, k]</c>; one where unknown.</param>
/// <param name="Vectors">z, orthonormal in P^-1 (the identity without preconditioner), <c>[batch, k, m]</c>; zero where unknown.</param>
/// <param name="Residuals">The length of A z - theta P^-1 z in P, a bound of the error of theta, <c>[batch, k]</c>.</param>
/// <param name="Known">The places that hold a pair, boolean <c>[batch, k]</c>.</param>
public sealed record RitzPairs(Tensor Values, Tensor Vectors, Tensor Residuals, Tensor Known)
{
    /// <summary>A applied to the vectors, <c>[batch, k, m]</c>, if known; null otherwise.</summary>
    public Tensor? Products { get; init; }

    /// <summary>Makes an empty set of pairs for control vectors like this one: one place, unknown.</summary>
    internal static RitzPairs None(Tensor like) =>
        new(like.new_ones(like.size(0), 1), zeros_like(like).unsqueeze(1),
        like.new_zeros([like.size(0), 1]),
        zeros([like.size(0), 1], dtype: ScalarType.Bool, device: like.device));

    /// <summary>Keeps the accurate pairs, whose residual is at most a fraction of their value. The others become unknown.</summary>
    /// <param name="relativeResidual">The fraction, zero or above; infinite for all pairs, however inaccurate.</param>
    /// <param name="most">The largest number of pairs to keep, the largest values first (default: all).</param>
    public RitzPairs Accurate(double relativeResidual, int most = int.MaxValue)
    {
        if (!double.IsPositiveInfinity(relativeResidual)) Require.NotNegative(relativeResidual);
        Require.AtLeast(most, 1);
        using var scope = NewDisposeScope();
        var known = Known.logical_and(Residuals <= relativeResidual * Values);
        return Only(known.logical_and(known.to_type(ScalarType.Int64).cumsum(-1) <= most)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Merges the pairs of several solves into one set: the pairs along which A itself is largest, by z^T A z / z^T z = theta / |z|^2,
    /// from the largest. They are pairs of different matrices, so they only give a subspace.
    /// </summary>
    /// <param name="sets">The sets, at least one.</param>
    /// <param name="most">The largest number of pairs to keep in each trajectory.</param>
    internal static RitzPairs Joined(IReadOnlyList<RitzPairs> sets, int most)
    {
        using var scope = NewDisposeScope();
        Tensor All(Func<RitzPairs, Tensor> part) => cat([.. sets.Select(part)], 1);
        Tensor values = All(set => set.Values), vectors = All(set => set.Vectors), known = All(set => set.Known);
        var quotients = (values / vectors.square().sum(-1)).masked_fill(known.logical_not(), double.NegativeInfinity);
        var places = quotients.argsort(-1, descending: true).narrow(1, 0, Math.Min(most, known.size(1)));
        return new RitzPairs(values.gather(1, places), vectors.gather(1, places.unsqueeze(-1).expand(-1, -1, vectors.size(2))),
            All(set => set.Residuals).gather(1, places), known.gather(1, places)).MoveToOuterDisposeScope();
    }

    /// <summary>The first places, which hold the largest values.</summary>
    internal RitzPairs Leading(int most)
    {
        long count = Math.Min(most, Values.size(1));
        return new(Values.narrow(1, 0, count), Vectors.narrow(1, 0, count), Residuals.narrow(1, 0, count), Known.narrow(1, 0, count))
            { Products = Products?.narrow(1, 0, count) };
    }

    /// <summary>The smallest of the known values, <c>[batch, 1]</c>; one if none is known.</summary>
    internal Tensor Smallest()
    {
        using var scope = NewDisposeScope();
        var smallest = Values.masked_fill(Known.logical_not(), double.PositiveInfinity).amin([-1], keepdim: true);
        return smallest.where(smallest.isfinite(), ones_like(smallest)).MoveToOuterDisposeScope();
    }

    /// <summary>Refuses pairs that do not match and values that are not above zero.</summary>
    internal void Checked()
    {
        using var scope = NewDisposeScope();
        Require.Shape(Values, "The eigenvalues of a preconditioner", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        long batch = Values.size(0), k = Values.size(1);
        Require.Shape(Vectors, $"The vectors of {k} eigenpairs", batch, k, ColumnDefinition.AnySize);
        Require.Shape(Residuals, $"The residuals of {k} eigenpairs", batch, k);
        Require.Shape(Known, $"The mask of known eigenpairs, for {k} eigenpairs,", batch, k);
        if (k > Vectors.size(2))
            throw new ArgumentException(
                $"{k} eigenpairs are too many for vectors of {Vectors.size(2)} components; at most as many are possible.");
        Require.Finite(Values, "The eigenvalues of a preconditioner");
        Require.Finite(Vectors, "The eigenvectors of a preconditioner");
        if (Values.numel() > 0 && Values.where(Known, ones_like(Values)).min().ToDouble() is var smallest && !(smallest > 0))
            throw new ArgumentException($"The eigenvalues of a preconditioner must be above zero; the smallest given is {smallest:g6}.");
    }

    /// <summary>Refuses pairs whose dimension or batch differs from a control vector's, unless the batch is one; returns them
    /// otherwise.</summary>
    internal RitzPairs For(Tensor control, string who)
    {
        Checked();
        long batch = Vectors.size(0), m = Vectors.size(2);
        return m == control.size(-1) && (batch == control.size(0) || batch == 1) ? this
            : throw new ArgumentException(
                $"The eigenpairs of '{who}' are of dimension {m} for {batch} trajectories; the control vector has " +
                $"{control.size(-1)} components for {control.size(0)}. Pairs for each of the trajectories, or one set for all of them, " +
                    $"are needed.");
    }

    /// <summary>Marks some of the pairs as unknown.</summary>
    /// <param name="known">The places that still hold a pair, of those that did.</param>
    internal RitzPairs Only(Tensor known)
    {
        using var scope = NewDisposeScope();
        known = Known.logical_and(known);
        var not = known.logical_not();
        return new RitzPairs(Values.masked_fill(not, 1), Vectors.masked_fill(not.unsqueeze(-1), 0), Residuals.masked_fill(not, 0), known)
        {
            Products = Products?.masked_fill(not.unsqueeze(-1), 0),
        }.MoveToOuterDisposeScope();
    }

    /// <summary>Applies a function to each tensor of the pairs; it must leave boolean tensors boolean.</summary>
    internal RitzPairs Map(Func<Tensor, Tensor> function) =>
        new(function(Values), function(Vectors), function(Residuals), function(Known))
            { Products = Products is null ? null : function(Products) };

    /// <summary>Keeps its tensors beyond the scope they were made in.</summary>
    public RitzPairs MoveToOuterDisposeScope() => Map(tensor => tensor.MoveToOuterDisposeScope());
}
