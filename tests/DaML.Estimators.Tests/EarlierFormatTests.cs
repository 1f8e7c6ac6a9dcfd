using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Files of the commit 65fef36, before the project computed with TorchSharp's package: they load and give the same numbers.
/// </summary>
public sealed class EarlierFormatTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly EarlierFormats files = new(Path.Combine(AppContext.BaseDirectory, "Data", "65fef36"));

    public void Dispose()
    {
        files.Dispose();
        scope.Dispose();
    }

    public static TheoryData<string> Models { get; } = [.. EarlierFormats.Models.Keys];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_loads_and_gives_the_same_numbers(string name)
    {
        var given = files.Apply(name, files.Context.Model.Load<ITransformer>(files.PathOf(name + ".daml")));
        Assert.Equal(files.Numbers[name].shape, given.shape);
        Assert.InRange((given - files.Numbers[name]).abs().max().ToDouble() / files.Numbers[name].abs().max().ToDouble(), 0, 1e-6);
    }

    [Fact]
    public void A_training_goes_on_to_the_losses_it_would_have_come_to()
    {
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.checkpoint");
        File.Copy(files.PathOf("training.checkpoint"), path);
        try
        {
            double[] expected = files.Numbers["losses"].ToArray<double>(), losses = files.Train(path);
            Assert.Equal(expected.Length, losses.Length);
            Assert.Equal(expected[0], losses[0]);   // one of those that the file has, so it was not begun anew
            for (int step = 0; step < expected.Length; step++) Assert.Equal(1, losses[step] / expected[step], 1e-4);
        }
        finally { File.Delete(path); }
    }

    [Fact]
    public void A_filter_whose_model_runs_outside_goes_on()
    {
        using var filter = AskAndTell.Restore(files.Outside(), files.PathOf("ask-and-tell.checkpoint"));
        Assert.Equal(4, filter.Outstanding.Count);
        var members = files.Cycles(filter, 3, 6);
        Assert.InRange((members - files.Numbers["members"]).abs().max().ToDouble(), 0, 1e-6);
    }
}
