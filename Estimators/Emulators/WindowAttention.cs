namespace DaML.Components;

/// <summary>What a recurrent network reads out of its window.</summary>
public enum WindowAttention
{
    /// <summary>Its hidden state after the last value.</summary>
    None,

    /// <summary>
    /// That, and the mean of its hidden states after each value, weighted by scaled dot products with a query made of the last one (Luong,
    /// Pham and Manning 2015, the general score; Vaswani et al. 2017, eq. 1).
    /// </summary>
    DotProduct,
}
