namespace DaML.Components;

/// <summary>The reason why a quasi-Newton minimisation ended for a trajectory.</summary>
public enum QuasiNewtonStop
{
    /// <summary>The gradient fell to the requested level.</summary>
    GradientReduced,

    /// <summary>The number of iterations was used up.</summary>
    IterationLimit,

    /// <summary>
    /// No lower cost was found along the direction of descent: the cost is at its minimum to round-off, or the gradient does not match
    /// the cost (<see cref="GradientChecking.CheckGradient"/>).
    /// </summary>
    NoProgress,
}

/// <summary>One evaluation of cost and gradient: a run of the model and one of its adjoint.</summary>
/// <param name="Iteration">The iteration of the evaluation, from 1; 0 at the background.</param>
/// <param name="Cost">J; infinite if it or its gradient was non-finite, which a line search treats as too long a step.</param>
/// <param name="Terms">J term by term, prior terms first; empty if J is infinite.</param>
/// <param name="GradientNorm">The length of dJ/dv in the Euclidean space of v; infinite if J is.</param>
public sealed record QuasiNewtonEvaluation(int Iteration, double Cost, IReadOnlyList<(string Term, double Value)> Terms,
    double GradientNorm);

/// <summary>The course of a quasi-Newton minimisation for one trajectory.</summary>
/// <param name="Iterations">The number of line searches.</param>
/// <param name="Stop">The reason for the end.</param>
/// <param name="Evaluations">All evaluations in order, the background first.</param>
/// <param name="Best">The evaluation of the analysis: the lowest cost, or the latest one if round-off cannot tell them apart.</param>
/// <param name="Message">The minimiser's message if it ended with <see cref="QuasiNewtonStop.NoProgress"/>; empty otherwise.</param>
public sealed record QuasiNewtonReport(int Iterations, QuasiNewtonStop Stop, IReadOnlyList<QuasiNewtonEvaluation> Evaluations,
    QuasiNewtonEvaluation Best,
    string Message = "")
{
    /// <summary>The gradient's length at the analysis as a fraction of that at the background; zero if there was nothing to
    /// reduce.</summary>
    public double GradientReduction => Evaluations[0].GradientNorm == 0 ? 0 : Best.GradientNorm / Evaluations[0].GradientNorm;
}
