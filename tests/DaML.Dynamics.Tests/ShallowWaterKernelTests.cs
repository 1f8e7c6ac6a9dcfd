using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The kernels of the shallow-water model against the plain tensor form and its automatic derivatives.</summary>
public sealed class ShallowWaterKernelTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    public static TheoryData<int, int, bool, bool> Grids => new()
    {
        { 8, 8, false, false }, { 8, 8, true, true }, { 13, 7, false, false }, { 7, 13, true, false }, { 9, 6, false, true },
        { 5, 4, true, true }, { 3, 3, false, false }, { 3, 3, true, true },
        { 16, 5, true, true }, { 33, 18, false, false },
    };

    [Theory, MemberData(nameof(Grids))]
    public void A_step_equals_the_tensor_form(int nx, int ny, bool periodicX, bool periodicY)
    {
        var model = Model(nx, ny, periodicX, periodicY);
        var plain = new PlainShallowWater(model);
        var interval = new TimeInterval(0, 3 * model.TimeStep);
        foreach (long[] leading in (long[][])[[], [1], [3], [2, 5], [9]])
        {
            var x = ShallowWaters.Random(model, 1, leading);
            Numbers.Close(plain.Advance(x, interval), model.Advance(x, interval), 1e-14);
            Numbers.Close(plain.Advance(x.to_type(ScalarType.Float32), interval), model.Advance(x.to_type(ScalarType.Float32), interval),
                1e-5);
        }
        var mixed = ShallowWaters.Random(model, 2, 5, 2).transpose(0, 1);
        Numbers.Close(plain.Advance(mixed, interval), model.Advance(mixed, interval), 1e-14);
    }

    [Theory, MemberData(nameof(Grids))]
    public void Tangent_linear_and_adjoint_equal_automatic_differentiation(int nx, int ny, bool periodicX, bool periodicY)
    {
        var model = Model(nx, ny, periodicX, periodicY);
        var plain = new PlainShallowWater(model);
        var interval = new TimeInterval(0, 3 * model.TimeStep);
        Tensor x = ShallowWaters.Random(model, 1, 2), block = ShallowWaters.Random(model, 2, 2, 6), dx = block.select(1, 0),
            one = x.select(0, 1);
        using (no_grad())
        {
            Tensor[] tangentsOfPlain = [.. Enumerable.Range(0, 6).Select(k => plain.TangentLinear(x, block.select(1, k), interval))];
            Tensor[] adjointsOfPlain = [.. Enumerable.Range(0, 6).Select(k => plain.Adjoint(x, block.select(1, k), interval))];
            foreach (int kept in (int[])[1, 2, 3])
            {
                using var linear = model.Linearise(x, interval, new() { KeptStates = kept });
                Tensor tangents = linear.TangentLinear(block), adjoints = linear.Adjoint(block);
                for (int k = 0; k < 6; k++)
                {
                    ShallowWaters.CloseByField(model, tangentsOfPlain[k], tangents.select(1, k), 1e-12);
                    ShallowWaters.CloseByField(model, adjointsOfPlain[k], adjoints.select(1, k), 1e-12);
                }
                Assert.Equal(model.Advance(x, interval).Bits(), linear.End.Bits());
            }
            ShallowWaters.CloseByField(model, tangentsOfPlain[0], model.TangentLinear(x, dx, interval), 1e-12);
            ShallowWaters.CloseByField(model, adjointsOfPlain[0], model.Adjoint(x, dx, interval), 1e-12);
            using var single = model.Linearise(one, interval);
            ShallowWaters.CloseByField(model, plain.TangentLinear(one, block[1, 3], interval), single.TangentLinear(block[1, 3]), 1e-12);
            ShallowWaters.CloseByField(model, plain.Adjoint(one, block[1, 3], interval), single.Adjoint(block[1, 3]), 1e-12);
        }
    }

    internal static ShallowWater Model(int nx, int ny, bool periodicX, bool periodicY) => new(new ShallowWaterOptions
    {
        CellsX = nx, CellsY = ny, LengthX = nx * 3e4, LengthY = ny * 2.5e4, PeriodicX = periodicX, PeriodicY = periodicY, Beta = periodicY
            ? 0 : 2e-11, Viscosity = 900,
        WindStress = 0.1, WindStressY = [.. Enumerable.Range(0, nx).Select(i => 0.03 * Math.Sin(i))],
    });
}
