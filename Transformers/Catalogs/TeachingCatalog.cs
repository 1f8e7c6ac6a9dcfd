namespace DaML;

/// <summary>What learners are shown, made from <see cref="DataAssimilationContext.Transforms"/>.</summary>
public static class TeachingCatalog
{
    /// <summary>Shows a teacher's analyses in the truth's place to those who learn an analysis from the view.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="teacher">A method that knows more than the one that learns may: an ensemble filter.</param>
    /// <param name="burnIn">Number of cycles at the start that still show the truth, while the teacher finds it.</param>
    /// <exception cref="ArgumentException">The teacher adds no analysis, or the count is below zero.</exception>
    public static FittedEstimator<TaughtTrajectories> Taught(this TransformCatalog catalog, ITransformer teacher, long burnIn = 100) =>
        new TaughtTrajectories(teacher, burnIn).AsEstimator();
}
