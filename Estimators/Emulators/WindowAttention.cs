namespace DaML.Components;

/// <summary>The output that a recurrent network reads from its window.</summary>
public enum WindowAttention
{
    /// <summary>The hidden state after the last value.</summary>
    None,

    /// <summary>
    /// The last hidden state, and the mean of the hidden states after each value, weighted by scaled dot products with a query made of
    /// the last one (Luong, Pham and Manning 2015, the general score; Vaswani et al. 2017, eq. 1).
    /// </summary>
    DotProduct,
}
