namespace DaML.Tests;

/// <summary>Components written to a model archive and read again.</summary>
internal static class Reloaded
{
    public static T Of<T>(T component, DataAssimilationContext context) where T : class
    {
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
        try
        {
            ModelArchive.Write(component, path);
            return context.Model.Load<T>(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
