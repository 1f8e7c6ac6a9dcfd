namespace DaML;

/// <summary>Records a device's work and does it again: it reads and writes tensors that stay, so nothing is handed over but when.</summary>
internal interface IWorkRecorder : IDisposable
{
    /// <summary>Does the work once where it will be recorded, so that all it needs is ready there.</summary>
    void Rehearse(Action work);

    /// <summary>Records the work, without doing it.</summary>
    void Record(Action work);

    /// <summary>Does what was recorded.</summary>
    void Replay();
}
