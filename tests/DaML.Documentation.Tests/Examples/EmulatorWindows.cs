using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var through an emulator as docs/variational.md shows it.</summary>
internal static class EmulatorWindows
{
    /// <summary>A method that analyses coefficients from sites of the field.</summary>
    public static (SequentialAssimilation<WindowMemory<StateMemory>> Method, IObservationNetwork Network) Make(
        DataAssimilationContext context, IDynamics emulator, ITrajectoryView training,
        Column coefficients, ProperOrthogonalDecomposition modes,
        LatitudeLongitudeGrid grid, (double Latitude, double Longitude)[] sites, List<string> table)
    {
        // <window>
        // The emulator's state is a window of coefficients, the newest first.
        var newest = new SubsetObservationOperator(emulator.Dimension,
            [.. Enumerable.Range(0, (int)modes.ModeCount).Select(i => (long)i)]);
        var observed = newest.Then(new ReconstructionOperator(modes)).Then(grid.InterpolateTo(sites));
        var network = new ObservationNetwork(observed, ErrorCovariance.Scalar(sites.Length, 0.01),
            new MissingAtRandomPattern(0.2));
        var system = new AssimilationSystem(emulator, network);

        var background = new ForecastErrors(Lead: 5)
            { Shrinkage = CovarianceShrinkage.Estimated, Control = WindowControl.WholeWindow }
            .Estimate(emulator, training, coefficients);
        var method = context.Analysis.FourDimensionalVariational(system,
            new() { Background = new KnownBackground(background), Window = WindowCycling.Disjoint(5),
                Minimisation = new QuasiNewtonOptions { GradientReduction = 1e-3, MaximumIterations = 50 },
                Observer = window => table.Add(string.Join("; ", window.QuasiNewton.Select(trajectory =>
                $"J {trajectory.Evaluations[0].Cost:f1} -> {trajectory.Best.Cost:f1} " +
                $"({trajectory.Iterations} iterations, {trajectory.Stop})"))) });
        // </window>
        return (method, network);
    }

    /// <summary>A check of the gradient, and the model error of the weak constraint.</summary>
    public static (GradientCheck Check, ControlVector Differences) Check(IDynamics emulator, ITrajectoryView training,
        Column coefficients, IErrorCovariance background, IObservationNetwork network, AssimilationWindow window)
    {
        // <check>
        var modelError = ForecastErrors.ModelError(emulator, training, coefficients);
        var cost = new FourDimensionalVariationalCost(emulator,
            [new BackgroundTerm(background), new ModelErrorTerm(modelError)],
            [new ObservationTerm(network.Operator, network.Error)]);
        var check = cost.CheckGradient(window);
        if (!check.IsRight) throw new InvalidOperationException(check.ToString());
        // </check>
        return (check, cost.GradientByDifferences(window, cost.Background(window)));
    }
}
