using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The sizes of a data assimilation network that is computed in one piece.</summary>
/// <param name="Memory">m, the size of the memory.</param>
/// <param name="Observed">The numbers that the analyzer reads in a cycle beside the memory.</param>
/// <param name="Numbers">The numbers of a density.</param>
/// <param name="PropagaterSkips">The number of the propagater's layers with a skip.</param>
/// <param name="AnalyzerSkips">The number of the analyzer's layers with a skip.</param>
internal readonly record struct NetworkTripleShape(int Memory, int Observed, int Numbers, int PropagaterSkips, int AnalyzerSkips);

/// <summary>
/// Some cycles of a data assimilation network in one piece on the CPU, forward and backward, without tensor operators, in single
/// precision: from a memory and the observations, <c>[cycles, batch, observed]</c>, to the numbers of the prior and posterior densities,
/// <c>[2, cycles, batch, numbers]</c>. Its parameters are the propagater's, the procoder's and the analyzer's
/// (<see cref="ReZeroLayers"/>). The memory is carried on without its gradient. It computes one step at a time.
/// </summary>
internal sealed unsafe class FusedNetworkTriple
{
    private const int Lanes = LaneGroups.Lanes;

    private readonly NetworkTripleShape shape;
    private readonly ReZeroLayers propagater, procoder, analyzer;
    private readonly int forward, backward;     // the sizes of a cycle of a group
    private PinnedMemory tape = new(0, cleared: false);

    /// <summary>Prepares the computation.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="kernel">The arithmetic.</param>
    public FusedNetworkTriple(NetworkTripleShape shape, DenseKernel kernel)
    {
        this.shape = shape;
        propagater = new(shape.Memory, shape.Memory, shape.PropagaterSkips, 0, kernel);
        procoder = new(shape.Memory, shape.Numbers, 0, propagater.End, kernel);
        analyzer = new(shape.Memory + shape.Observed, shape.Memory, shape.AnalyzerSkips, procoder.End, kernel);
        forward = propagater.ForwardSize + analyzer.ForwardSize;
        backward = propagater.BackwardSize + 2 * procoder.BackwardSize + analyzer.BackwardSize;
    }

    private double TimeOfRow => DenseKernel.TimeOfOne * (propagater.Weights + 2 * procoder.Weights + analyzer.Weights);

    /// <summary>Runs over the cycles.</summary>
    /// <param name="memory">The memory before the first, <c>[batch, m]</c>, contiguous.</param>
    /// <param name="observed">What the analyzer reads, <c>[cycles, batch, observed]</c>, contiguous.</param>
    /// <param name="parameters">The parameters in order, contiguous; they do not change before <see cref="Backward"/>.</param>
    /// <returns>The numbers of the densities, and the memory after the last cycle.</returns>
    public (Tensor Numbers, Tensor Memory) Forward(Tensor memory, Tensor observed, IReadOnlyList<Tensor> parameters)
    {
        int cycles = (int)observed.size(0), m = shape.Memory;
        var groups = new LaneGroups((int)observed.size(1));
        int size = GroupSize(cycles);
        long bytes = (long)size * groups.Groups * sizeof(float);
        if (tape.Length < bytes) tape = new(bytes, cleared: false);
        var result = empty([2, cycles, groups.Batch, shape.Numbers], dtype: ScalarType.Float32);
        var after = empty([groups.Batch, m], dtype: ScalarType.Float32);
        nint[] addresses = FusedResidualNetwork.Addresses(parameters);
        float* start = KernelMemory.Address<float>(memory), from = KernelMemory.Address<float>(observed);
        float* to = KernelMemory.Address<float>(result), last = KernelMemory.Address<float>(after), first = (float*)tape.Start;
        SharedWork.ForEach(groups.Groups, TimeOfRow * cycles * Lanes, (begin, end) =>
        {
            for (int group = (int)begin; group < end; group++)
            {
                float* fields = first + (long)group * size, numbers = fields + cycles * forward + m * Lanes;
                groups.Pack(start, m, m, group, fields);
                for (int cycle = 0; cycle < cycles; cycle++, fields += forward)
                {
                    float* prior = fields + propagater.ForwardSize, posterior = fields + forward;
                    propagater.Forward(addresses, fields, prior);
                    groups.Pack(from + (long)cycle * groups.Batch * shape.Observed, shape.Observed, shape.Observed, group,
                        prior + m * Lanes);
                    analyzer.Forward(addresses, prior, posterior);
                    for (int density = 0; density < 2; density++)
                    {
                        procoder.Forward(addresses, density == 0 ? prior : posterior, numbers);
                        groups.Unpack(numbers, shape.Numbers, group, to + Place(density, cycle, cycles, groups), shape.Numbers);
                    }
                }
                groups.Unpack(fields, m, group, last, m);
            }
        });
        GC.KeepAlive(memory);
        GC.KeepAlive(observed);
        GC.KeepAlive(parameters);
        return (result, after);
    }

    /// <summary>Goes back through the cycles of the last <see cref="Forward"/>.</summary>
    /// <param name="sensitivity">The sensitivity of the numbers, <c>[2, cycles, batch, numbers]</c>, contiguous.</param>
    /// <param name="parameters">The parameters as then.</param>
    /// <param name="gradients">Where the gradient of each goes, contiguous; null where it is not wanted.</param>
    public void Backward(Tensor sensitivity, IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor?> gradients)
    {
        int cycles = (int)sensitivity.size(1), m = shape.Memory, width = m + shape.Observed;
        var groups = new LaneGroups((int)sensitivity.size(2));
        int size = GroupSize(cycles), scratch = (m + width) * Lanes;
        float* first = (float*)tape.Start;
        long backSize = (long)cycles * backward + scratch;
        using var memory = new RentedMemory<float>(backSize * groups.Groups);
        float* backs = memory.Start, from = KernelMemory.Address<float>(sensitivity);
        nint[] addresses = FusedResidualNetwork.Addresses(parameters);
        SharedWork.ForEach(groups.Groups, TimeOfRow * cycles * Lanes, (begin, end) =>
        {
            for (int group = (int)begin; group < end; group++)
            {
                float* mine = backs + group * backSize, toMemory = mine + (long)cycles * backward, toField = toMemory + m * Lanes;
                new Span<float>(toMemory, m * Lanes).Clear();
                for (int cycle = cycles - 1; cycle >= 0; cycle--)
                {
                    float* fields = first + (long)group * size + (long)cycle * forward, prior = fields + propagater.ForwardSize;
                    float* back = mine + (long)cycle * backward, backPrior = back + propagater.BackwardSize;
                    float* backPosterior = backPrior + procoder.BackwardSize, backAnalyzer = backPosterior + procoder.BackwardSize;
                    Decode(1, backPosterior, fields + forward, toMemory);
                    new Span<float>(toMemory, m * Lanes).CopyTo(new Span<float>(backAnalyzer + analyzer.ToResult, m * Lanes));
                    analyzer.Backward(addresses, prior, backAnalyzer, toField, adds: false, wantsInput: true);
                    Decode(0, backPrior, prior, toField);
                    new Span<float>(toField, m * Lanes).CopyTo(new Span<float>(back + propagater.ToResult, m * Lanes));
                    propagater.Backward(addresses, fields, back, toMemory, adds: false, wantsInput: cycle > 0);

                    void Decode(int density, float* backDensity, float* decoded, float* toDecoded)
                    {
                        groups.Pack(from + Place(density, cycle, cycles, groups), shape.Numbers, shape.Numbers, group,
                            backDensity + procoder.ToResult);
                        procoder.Backward(addresses, decoded, backDensity, toDecoded, adds: true, wantsInput: true);
                    }
                }
            }
        });

        nint[] targets = [.. gradients.Select(gradient => gradient is null ? 0 : (nint)KernelMemory.Address<float>(gradient))];
        Gradients(groups, cycles, backs, backSize, targets);
        GC.KeepAlive(sensitivity);
        GC.KeepAlive(parameters);
        GC.KeepAlive(gradients);
    }

    // The cycles, the memory after the last, and the numbers of a density.
    private int GroupSize(int cycles) => checked(cycles * forward + (shape.Memory + shape.Numbers) * Lanes);

    private void Gradients(LaneGroups groups, int cycles, float* backs, long backSize, nint[] targets)
    {
        // the passes of each network: by cycles and groups, the procoder's twice
        int count = cycles * groups.Groups;
        var (propagated, decoded, analyzed) = (new nint[count], new nint[2 * count], new nint[count]);
        int[] filled = new int[2 * count];
        for (int i = 0; i < count; i++)
        {
            float* back = backs + i % groups.Groups * backSize + (long)(i / groups.Groups) * backward;
            filled[i] = filled[count + i] = groups.Filled(i % groups.Groups);
            propagated[i] = (nint)back;
            decoded[i] = (nint)(back + propagater.BackwardSize);
            decoded[count + i] = (nint)(back + propagater.BackwardSize + procoder.BackwardSize);
            analyzed[i] = (nint)(back + propagater.BackwardSize + 2 * procoder.BackwardSize);
        }
        int pieces = propagater.Pieces + procoder.Pieces + analyzer.Pieces;
        SharedWork.ForEach(pieces, TimeOfRow * cycles * groups.Batch / pieces, (first, end) =>
        {
            for (int piece = (int)first; piece < end; piece++)
            {
                int own = piece - propagater.Pieces;
                if (own < 0) propagater.Gradient(piece, targets, propagated, filled);
                else if (own < procoder.Pieces) procoder.Gradient(own, targets, decoded, filled);
                else analyzer.Gradient(own - procoder.Pieces, targets, analyzed, filled);
            }
        });
        propagater.AlphaGradient(targets, propagated);
        analyzer.AlphaGradient(targets, analyzed);
    }

    // The first number of a cycle's prior (0) or posterior (1) densities.
    private long Place(int density, int cycle, int cycles, LaneGroups groups) =>
        ((long)density * cycles + cycle) * groups.Batch * shape.Numbers;
}
