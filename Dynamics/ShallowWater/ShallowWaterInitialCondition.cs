using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Starts at rest, with a smooth random height: eta is a sum of cosines with random coefficients, of mean zero over the domain and of
/// zero slope at its edges, and the currents are zero. If the standard deviation is zero, the surface is flat.
/// </summary>
[Component("shallow-water-initial-condition")]
public sealed class ShallowWaterInitialCondition : IInitialCondition
{
    // the largest wave number, if the grid resolves it
    private const int Waves = 4;

    private readonly ShallowWaterOptions options;
    private readonly ConstantTensor? patterns;

    /// <summary>Creates a distribution.</summary>
    /// <param name="options">
    /// The model's settings, of which only the grid and <see cref="ShallowWaterOptions.InitialHeight"/> are used.
    /// </param>
    public ShallowWaterInitialCondition(ShallowWaterOptions options)
    {
        this.options = options.Checked();
        if (options.InitialHeight == 0) return;
        // cos(pi k x / L), or cos(2 pi k x / L) where x is periodic; scaled to a mean square of one
        using var scope = NewDisposeScope();
        Tensor x = Cosines(options.CellsX, options.PeriodicX), y = Cosines(options.CellsY, options.PeriodicY);
        var fields = einsum("kj,li->klji", y, x).reshape(-1, options.CellsX * options.CellsY);
        fields = fields.narrow(0, 1, fields.size(0) - 1);
        patterns = new ConstantTensor(fields / (fields.square().mean([-1], keepdim: true) * fields.size(0)).sqrt());
    }

    /// <inheritdoc/>
    public long Dimension => options.Dimension;

    /// <inheritdoc/>
    public Tensor Draw(long count, RandomStream random, ScalarType dtype)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        var states = zeros([count, Dimension], dtype: dtype, device: random.Device);
        if (patterns is null) return states.MoveToOuterDisposeScope();
        var weights = options.InitialHeight * random.Normal([count, patterns.Value.size(0)], ScalarType.Float64);
        var heights = matmul(weights, patterns.On(ScalarType.Float64, random.Device));
        states.narrow(-1, 0, heights.size(1)).copy_(heights);
        return states.MoveToOuterDisposeScope();
    }

    private static Tensor Cosines(int cells, bool periodic)
    {
        var wave = arange(0, Math.Min(Waves, periodic ? (cells - 1) / 2 : cells - 1) + 1, dtype: ScalarType.Float64);
        var x = (arange(0, cells, dtype: ScalarType.Float64) + 0.5) / cells;
        return (outer(wave, x) * (periodic ? 2 * Math.PI : Math.PI)).cos();
    }
}
