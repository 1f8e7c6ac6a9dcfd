using System.Reflection;

namespace DaML.Tests;

/// <summary>Folders are rooms: each small enough to be seen at once, and no two of them lean on each other.</summary>
public sealed class RoomTests
{
    private const int MostFiles = 24;

    public static TheoryData<string> Rooms => ["Abstractions", "Dynamics", "Transformers", "Estimators", "Interop", "Interop.MicrosoftML"];

    private static TypeArrows Read(string room) => new(Path.Combine(AppContext.BaseDirectory, $"DaML.{room}.dll"), room.Replace('.', '/'));

    [Theory, MemberData(nameof(Rooms))]
    public void No_two_folders_of_a_room_lean_on_each_other(string room)
    {
        var between = Read(room).BetweenFolders();
        var from = between.ToLookup(arrow => arrow.Key.From, arrow => arrow.Key.To);
        bool Reaches(string start, string end)
        {
            var (seen, waiting) = (new HashSet<string>(), new Stack<string>([start]));
            while (waiting.TryPop(out string? folder))
                foreach (string next in from[folder])
                    if (seen.Add(next)) waiting.Push(next);
            return seen.Contains(end);
        }
        var circles = between.Where(arrow => Reaches(arrow.Key.To, arrow.Key.From))
            .Select(arrow => $"{arrow.Key.From} -> {arrow.Key.To} ({arrow.Count()}): {string.Join(", ", arrow.Take(4))}").ToList();
        Assert.True(circles.Count == 0, $"{room}: these arrows between folders close a circle:\n{string.Join("\n", circles)}");
    }

    [Theory, MemberData(nameof(Rooms))]
    public void No_folder_holds_too_many_files(string room)
    {
        var arrows = Read(room);
        Assert.True(arrows.Files.Count > 10, $"{room}: only {arrows.Files.Count} types were found");
        Assert.Empty(arrows.Files.Values.Distinct().GroupBy(file => Path.GetDirectoryName(file)).Where(folder => folder.Count() > MostFiles)
            .Select(folder => $"{room}/{folder.Key}: {folder.Count()} files"));
    }

    // Everyday names, what they are made of, and figures: three namespaces, of which the first stays small enough to be read through.
    [Fact]
    public void There_are_three_namespaces_and_the_everyday_one_is_small()
    {
        var types = Rooms.Select(room => room.Data).Concat(["Plotting", "Conformance"])
            .Where(room => File.Exists(Path.Combine(AppContext.BaseDirectory, $"DaML.{room}.dll")))
            .SelectMany(room => Assembly.Load($"DaML.{room}").GetExportedTypes()).Where(type => !type.IsNested).ToList();
        Assert.Equal(["DaML", "DaML.Components", "DaML.Plotting"],
            types.Select(type => type.Namespace).Where(name => name!.StartsWith("DaML", StringComparison.Ordinal)).Distinct().Order());
        Assert.InRange(types.Count(type => type.Namespace == "DaML"), 100, 200);
    }

    // The test can fail: a type of one folder names one of another, and is seen to.
    [Fact]
    public void An_arrow_is_seen()
    {
        var arrows = Read("Dynamics");
        Assert.Contains(("Lorenz96", "ParametricDynamics"), arrows.Arrows);
        Assert.EndsWith("AssimilationSystem.cs", arrows.Files["AssimilationSystem"]);
        Assert.EndsWith("ObservationPatterns.cs", arrows.Files["IObservationPattern"]);    // a contract has no code
    }
}
