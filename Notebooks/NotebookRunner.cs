namespace DaML.Notebooks;

/// <summary>Carries out <c>daml notebook</c>.</summary>
internal sealed class NotebookRunner : INotebookRunner
{
    /// <inheritdoc/>
    public void Run(string file, string output, Action<int, int> started, CancellationToken cancellation)
    {
        var notebook = Notebook.Read(file);
        NotebookExecution.Run(notebook, file, started, cancellation);
        notebook.Write(output);
    }

    /// <inheritdoc/>
    public void WriteProgram(string file, string output) => AtomicFile.WriteText(output, NotebookProgram.Of(Notebook.Read(file), file));
}
