namespace DaML.Components;

/// <summary>
/// The steps of a window that a term names as those it uses (<see cref="ICostTerm.UsedSteps"/>, <see cref="IPriorTerm.UsedSteps"/>). It
/// gets
/// increments or sensitivities there, and adds there, and is refused at other steps, whatever other terms use.
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

    /// <summary>The steps of a term that looks at the trajectory.</summary>
    /// <exception cref="ArgumentException">One is not of the window.</exception>
    public static TermSteps Of(ICostTerm term, AssimilationWindow window) =>
        new(term.Name, $"{nameof(ICostTerm)}.{nameof(ICostTerm.UsedSteps)}", window, term.UsedSteps(window));

    /// <summary>The steps of a term with control variables.</summary>
    /// <exception cref="ArgumentException">One is not of the window.</exception>
    public static TermSteps Of(IPriorTerm term, AssimilationWindow window) =>
        new(term.Name, $"{nameof(IPriorTerm)}.{nameof(IPriorTerm.UsedSteps)}", window, term.UsedSteps(window));

    /// <summary>In order of time.</summary>
    public IEnumerable<int> Steps => Enumerable.Range(0, used.Length).Where(step => used[step]);

    /// <summary>A step that the term uses.</summary>
    /// <exception cref="InvalidOperationException">It does not say so.</exception>
    public int Checked(int step) => step < 0 || step >= used.Length || used[step] ? step
        : throw new InvalidOperationException($"The term {term} uses step {step} of the window, which its {member} does not name: " +
            $"it names {(used.Contains(true) ? string.Join(", ", Steps) : "none")}. Name that step there too, or leave {member} out: " +
            "without it a term may use every step.");
}
