namespace DaML.Components;

/// <summary>
/// The steps of a window that a term names as those it uses (<see cref="ICostTerm.UsedSteps"/>, <see cref="IPriorTerm.UsedSteps"/>). The
/// term reads and adds increments or sensitivities at these steps and is refused at all others, including those that only other terms
/// use.
/// </summary>
internal sealed class TermSteps
{
    private readonly string term, member;
    private readonly bool[] used;

    private TermSteps(string term, string member, AssimilationWindow window, IEnumerable<int> steps)
    {
        (this.term, this.member) = (term, member);
        used = new bool[window.Steps + 1];
        foreach (int step in steps)
        {
            if (step < 0 || step > window.Steps)
                throw new ArgumentException(
                    $"The term {term} names step {step} in {member}; the window has the steps 0 to {window.Steps}.");
            used[step] = true;
        }
    }

    /// <summary>The steps of a term of the trajectory.</summary>
    /// <exception cref="ArgumentException">A step is not in the window.</exception>
    public static TermSteps Of(ICostTerm term, AssimilationWindow window) =>
        new(term.Name, $"{nameof(ICostTerm)}.{nameof(ICostTerm.UsedSteps)}", window, term.UsedSteps(window));

    /// <summary>The steps of a term with control variables.</summary>
    /// <exception cref="ArgumentException">A step is not in the window.</exception>
    public static TermSteps Of(IPriorTerm term, AssimilationWindow window) =>
        new(term.Name, $"{nameof(IPriorTerm)}.{nameof(IPriorTerm.UsedSteps)}", window, term.UsedSteps(window));

    /// <summary>The steps in order of time.</summary>
    public IEnumerable<int> Steps => Enumerable.Range(0, used.Length).Where(step => used[step]);

    /// <summary>Checks that the term uses a step.</summary>
    /// <exception cref="InvalidOperationException">The term does not name this step.</exception>
    public int Checked(int step) => step < 0 || step >= used.Length || used[step] ? step
        : throw new InvalidOperationException($"The term {term} uses step {step} of the window, which its {member} does not name: " +
            $"it names {(used.Contains(true) ? string.Join(", ", Steps) : "none")}. Name that step there too, or leave {member} out: " +
            "without it a term may use every step.");
}
