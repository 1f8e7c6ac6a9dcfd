using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every analyzer, whatever its memory: it is stateless, does not change its input, and returns a memory of the same
/// shapes that outlives it. <see cref="FilterContract"/> tests whether its analyses are right.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public abstract class AnalyzerContract<TMemory> : Contract where TMemory : IMemory<TMemory>
{
    /// <summary>Makes the analyzer.</summary>
    protected abstract IAnalyzer<TMemory> CreateAnalyzer();

    /// <summary>Draws a forecast that the analyzer can take.</summary>
    protected abstract TMemory CreateForecast(RandomStream random);

    /// <summary>Draws an observation that the analyzer can take.</summary>
    protected abstract Observation CreateObservation(RandomStream random);

    /// <summary>
    /// The same forecast, observation and stream give the same analysis to the bit, whatever was analysed in between and on any number of
    /// threads.
    /// </summary>
    [Fact]
    public void It_is_stateless()
    {
        using var scope = NewDisposeScope();
        var analyzer = CreateAnalyzer();
        var (forecast, observation) = Draw("first");
        var (otherForecast, otherObservation) = Draw("second");
        byte[] Analyse(TMemory memory, Observation seen)
        {
            using var inner = NewDisposeScope();
            using var noGradients = no_grad();
            using var random = CreateContext().Random("conformance/analysis");
            return TensorBits.Of(analyzer.Analyze(memory, seen, random).Tensors);
        }
        byte[] alone = Analyse(forecast, observation);
        byte[] other = Analyse(otherForecast, otherObservation);
        Demand(!alone.AsSpan().SequenceEqual(other), analyzer.Name, "statelessness",
            "two different forecasts and observations give the same analysis.");
        Demand(Analyse(forecast, observation).AsSpan().SequenceEqual(alone), analyzer.Name, "statelessness",
            "an analysis made again after another one differs.");
        DemandSameOnThreads(analyzer.Name, () => Analyse(forecast, observation));
    }

    /// <summary>
    /// Forecast and observation are unchanged, and outlive the analysis; the analysis has the forecast's shapes and is finite.
    /// </summary>
    [Fact]
    public void It_leaves_what_it_is_given_alone()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var analyzer = CreateAnalyzer();
        var (forecast, observation) = Draw("first");
        Tensor[] given = [.. forecast.Tensors, observation.Values, .. observation.Mask is null ? (Tensor[])[] : [observation.Mask]];
        byte[] before = TensorBits.Of(given);
        TMemory analysis;
        int left;
        using (var inner = NewDisposeScope())
        {
            using var random = CreateContext().Random("conformance/analysis");
            analysis = analyzer.Analyze(forecast, observation, random);
            left = inner.DisposablesCount;
            analysis = analysis.Keep();
        }
        Demand(analysis.Tensors.All(tensor => !tensor.IsInvalid), analyzer.Name, "ownership",
            "a tensor of the analysis does not outlive the call.");
        Demand(left == analysis.Tensors.Count(), analyzer.Name, "ownership",
            $"an analysis leaves {left} tensors behind; it has {analysis.Tensors.Count()}.");
        foreach (var (after, prior) in analysis.Tensors.Zip(forecast.Tensors))
        {
            Demand(after.HasSizesOf(prior), analyzer.Name, "shape",
                $"a tensor of shape {ColumnDefinition.Describe(prior.Sizes())} becomes {ColumnDefinition.Describe(after.Sizes())}.");
            Demand(after.isfinite().all().ToBoolean(), analyzer.Name, "finite", "the analysis has infinite values or NaN.");
            Demand(!ReferenceEquals(after, prior), analyzer.Name, "ownership",
                "it gives back a tensor of the forecast itself; an unchanged one is given back as an alias.");
        }
        analysis.Release();
        Demand(given.All(tensor => !tensor.IsInvalid), analyzer.Name, "ownership", "disposing the analysis disposes what was given.");
        Demand(TensorBits.Of(given).AsSpan().SequenceEqual(before), analyzer.Name, "ownership", "it changes what it is given.");
    }

    /// <summary>After saving and reading, it gives the same to the bit; skipped if it cannot be saved.</summary>
    [Fact]
    public void It_comes_back_from_a_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var context = CreateContext();
        var analyzer = CreateAnalyzer();
        var read = RoundTrip(analyzer, context);
        var (forecast, observation) = Draw("first");
        byte[] Analyse(IAnalyzer<TMemory> one)
        {
            using var random = context.Random("conformance/analysis");
            return TensorBits.Of(one.Analyze(forecast, observation, random).Tensors);
        }
        Demand(Analyse(read).AsSpan().SequenceEqual(Analyse(analyzer)), analyzer.Name, "saving",
            "the analyzer read from a file gives other numbers.");
    }

    private (TMemory, Observation) Draw(string name)
    {
        using var random = CreateContext().Random("conformance/" + name);
        return (CreateForecast(random), CreateObservation(random));
    }
}
