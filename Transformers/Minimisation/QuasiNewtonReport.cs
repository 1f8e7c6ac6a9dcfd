namespace DaML.Components;

/// <summary>Why a quasi-Newton minimisation ended for a trajectory.</summary>
public enum QuasiNewtonStop
{
    /// <summary>The gradient fell as far as was asked for.</summary>
    GradientReduced,

    /// <summary>No iteration was left.</summary>
    IterationLimit,

    /// <summary>
    /// No lower cost was found along the direction of descent: the cost is at its minimum to round-off, or the gradient is not that of
    /// the cost (<see cref="GradientChecking.CheckGradient"/>).
    /// </summary>
    NoProgress,
}

/// <summary>One evaluation of cost and gradient: a run of the model and one of its adjoint.</summary>
/// <param name="Iteration">The iteration that asked for it, from 1; 0 at the background.</param>
/// <param name="Cost">J; infinite where it, or its gradient, was not finite, which a line search takes for too long a step.</param>
/// <param name="Terms">J term by term, prior terms first; empty where J is infinite.</param>
/// <param name="GradientNorm">The length of dJ/dv in the Euclidean space of v; infinite where J is.</param>
public sealed record QuasiNewtonEvaluation(int Iteration, double Cost, IReadOnlyList<(string Term, double Value)> Terms,
    double GradientNorm);

/// <summary>How a quasi-Newton minimisation went for one trajectory.</summary>
/// <param name="Iterations">How many line searches.</param>
/// <param name="Stop">Why it ended.</param>
/// <param name="Evaluations">All of them in order, the background first.</param>
/// <param name="Best">That of the analysis: the lowest cost, or the latest where round-off cannot tell them apart.</param>
/// <param name="Message">What the minimiser said where it ended with <see cref="QuasiNewtonStop.NoProgress"/>; empty otherwise.</param>
public sealed record QuasiNewtonReport(int Iterations, QuasiNewtonStop Stop, IReadOnlyList<QuasiNewtonEvaluation> Evaluations,
    QuasiNewtonEvaluation Best,
    string Message = "")
{
    /// <summary>The gradient's length at the analysis as a fraction of that at the background; zero where there was nothing to
    /// reduce.</summary>
    public double GradientReduction => Evaluations[0].GradientNorm == 0 ? 0 : Best.GradientNorm / Evaluations[0].GradientNorm;
}
