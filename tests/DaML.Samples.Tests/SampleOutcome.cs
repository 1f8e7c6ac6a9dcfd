using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>One run of a sample for all tests of a class, made when the first of them asks for it.</summary>
public abstract class SampleOutcome : IDisposable
{
    private readonly Lazy<SampleResult> result;

    /// <param name="name">What the temporary folder is called after.</param>
    /// <param name="sample">Makes the sample.</param>
    protected SampleOutcome(string name, Func<ISample> sample)
    {
        Folder = Directory.CreateTempSubdirectory($"daml-{name}-");
        result = new(() => Run(sample()));
    }

    public DirectoryInfo Folder { get; }

    public StringWriter Printed { get; } = new();

    public SampleResult Result => result.Value;

    public void Dispose()
    {
        Folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private SampleResult Run(ISample sample)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Printed), Ansi = AnsiSupport.No });
        console.Profile.Width = 160;
        return sample.Run(new SampleRun(new SampleOptions { OutputFolder = Folder.FullName }, console, CancellationToken.None));
    }
}
