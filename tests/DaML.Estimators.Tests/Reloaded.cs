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
            return ModelArchive.Read<T>(path, new ComponentRegistry([.. DynamicsComponents.All, SeasonalCycle.Type, SeasonalCycleTransformer.Type, ProperOrthogonalDecomposition.Type,
                ProperOrthogonalDecompositionTransformer.Type, ProperOrthogonalDecompositionReconstruction.Type, ReconstructionOperator.Type, LinearInverseModel.Type]), context);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
