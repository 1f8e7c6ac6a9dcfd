namespace DaML.Tests;

/// <summary>A quotation of docs/extending.md.</summary>
public static class Checked
{
    /// <summary>Checks the model.</summary>
    public static void Run()
    {
        DynamicsConformance.Check(new Roessler());
    }
}
