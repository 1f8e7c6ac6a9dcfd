using DaML.Samples.Service;
using TorchSharp;

// Sessions run at once, one a thread: libtorch's own threads on states this small would only get in their way.
torch.set_num_threads(1);
try
{
    if (args is ["load", ..])
    {
        await LoadTest.Run(args[1..], Console.Out);
        return 0;
    }
    await using var application = ServiceApplication.Create(args);
    await application.RunAsync();
    return 0;
}
catch (Exception wrong) when (wrong is ArgumentException or FormatException or IOException or InvalidOperationException)
{
    await Console.Error.WriteLineAsync($"daml service: {wrong.Message}");
    return 2;
}
