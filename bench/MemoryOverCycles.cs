using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace DaML.Benchmarks;

/// <summary>
/// <c>bench memory</c>: what the process holds while an ETKF (Lorenz-96, n = 40, 20 members) runs a million cycles in the framework's own
/// loop.
/// </summary>
internal static class MemoryOverCycles
{
    public static void Run(string? jsonFile, long cycles, TextWriter output)
    {
        using var filter = FilterCycle.EnsembleTransform(members: 20, inflation: 1.04);
        using var process = Process.GetCurrentProcess();
        var points = new List<object>();
        output.WriteLine($"{"cycles",9} {"resident MiB",13} {"managed MiB",12}");
        for (long done = 0, next = Math.Min(1000, cycles); ; done++)
        {
            if (done == next)
            {
                process.Refresh();
                double resident = process.WorkingSet64 / 1048576.0, managed = GC.GetTotalMemory(forceFullCollection: false) / 1048576.0;
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done,9} {resident,13:f1} {managed,12:f1}"));
                points.Add(new { cycles = done, resident_mib = resident, managed_mib = managed });
                if (done == cycles) break;
                next = Math.Min(cycles, done < 10_000 ? 10_000 : done < 100_000 ? 100_000 : done + 100_000);
            }
            filter.Run();
        }
        if (jsonFile is not null)
            AtomicFile.Write(jsonFile,
                stream => JsonSerializer.Serialize(stream, new { name = "bench-memory", points },
                    new JsonSerializerOptions { WriteIndented = true }));
    }
}
