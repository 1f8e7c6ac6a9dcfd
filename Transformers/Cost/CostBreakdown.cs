using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The value of one term of a cost function.</summary>
/// <param name="Term">The term's name.</param>
/// <param name="Value"><c>[batch]</c></param>
public sealed record CostPart(string Term, Tensor Value);

/// <summary>The value of a cost function, term by term.</summary>
/// <param name="Parts">The terms' values, in their order.</param>
/// <param name="Total">The sum of the parts, <c>[batch]</c></param>
public sealed record CostBreakdown(IReadOnlyList<CostPart> Parts, Tensor Total)
{
    /// <summary>The sum of the terms with a name, <c>[batch]</c>.</summary>
    /// <exception cref="KeyNotFoundException">There is no such term.</exception>
    public Tensor this[string term]
    {
        get
        {
            var named = Parts.Where(part => part.Term == term).Select(part => part.Value).ToList();
            return named.Count switch
            {
                0 => throw new KeyNotFoundException(
                    $"The cost function has no term '{term}'; it has {string.Join(", ", Parts.Select(part => part.Term))}."),
                1 => named[0],
                _ => stack(named, 0).sum([0]),
            };
        }
    }
}
