using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// One trajectory with its memory, driven from outside: each call brings the observations of one cycle, as they arrive. It gives the
/// numbers of <see cref="ITransformer.Transform"/> on a view of the same observations, to the bit, also after it was written to a file
/// and resumed in another process. Calls from several threads wait for each other; sessions of one method run at once.
/// </summary>
public sealed class AssimilationSession : IDisposable
{
    private static readonly Checkpoint Files = new("assimilation-session", 1, "session", "method");

    private readonly Lock gate = new();
    private readonly ISequentialAssimilation method;
    private readonly ObservationFeed feed;
    private readonly IStepwiseRun run;
    private readonly ForecastInnovation? innovation;
    private string? failed;

    private AssimilationSession(ISequentialAssimilation method, double startTime)
    {
        this.method = method;
        StartTime = Require.Finite(startTime);
        feed = new ObservationFeed(method.ObservationDimension);
        run = method.Run(new TrajectoryView(feed.Schema, null, startTime, () => feed));
        if (method.Network is { } network) innovation = new ForecastInnovation(network.Operator, network.Error);
    }

    /// <summary>Begins at the method's first memory.</summary>
    /// <param name="method">A sequential method: what a method's record makes, fitted if it has something to learn, or a loaded
    /// one.</param>
    /// <param name="startTime">The time of the state before the first cycle, in the model's unit (default: 0).</param>
    /// <exception cref="ArgumentException">The transformer is not a sequential method, or the time is not finite.</exception>
    /// <exception cref="InvalidOperationException">The method must be fitted first and was not.</exception>
    public static AssimilationSession Begin(ITransformer method, double startTime = 0) => new(Sequential(method), startTime);

    /// <summary>Resumes from a file, to the bit, in this process or another.</summary>
    /// <param name="method">The method, made with the same settings and seed.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelArchiveException">The file is damaged, is no such checkpoint, or belongs to another method, model, observation
    /// network or seed, or to other settings of these.</exception>
    public static AssimilationSession Restore(ITransformer method, string path)
    {
        var sequential = Sequential(method);
        AssimilationSession? session = null;
        try
        {
            Files.Read(path, sequential.Identity, sequential.Context, reader =>
            {
                session = new AssimilationSession(sequential, reader.Get<double>("startTime"));
                session.run.Restore(reader);
                if (reader.Get<bool>("attached")) session.Attachment = reader.Get<string>("attachment");
            }, saved => sequential.Current(saved));
            return session!;
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    /// <summary>The method's name.</summary>
    public string Method => method.Name;

    /// <summary>n</summary>
    public long StateDimension => method.StateDimension;

    /// <summary>p</summary>
    public long ObservationDimension => method.ObservationDimension;

    /// <summary>The time between observations of the method's system, in the model's unit; null if it was not made for a system.</summary>
    public double? Interval => method.Interval;

    /// <summary>The time of the state before the first cycle, in the model's unit.</summary>
    public double StartTime { get; }

    /// <summary>The number of cycles so far.</summary>
    public long Cycles { get { lock (gate) return run.Cycle + 1; } }

    /// <summary>The time of the latest analysis, in the model's unit; <see cref="StartTime"/> before the first.</summary>
    public double Time { get { lock (gate) return run.MemoryTime; } }

    /// <summary>Whether the session can go on: it has not ended by an error in a cycle, and was not disposed.</summary>
    public bool IsAlive { get { lock (gate) return failed is null; } }

    /// <summary>A text of the caller's that is written with the memory, in the same file (default: null, none).</summary>
    public string? Attachment { get; set; }

    /// <summary>The nearest time step of the model, at which an observation of that time is assimilated.</summary>
    /// <param name="time">The time, in the model's unit.</param>
    /// <exception cref="ArgumentException">The time is not finite, or further from a step than the context's tolerance.</exception>
    public double OnStep(double time)
    {
        lock (gate) return run.OnStep(Require.Finite(time));
    }

    /// <summary>Assimilates the observations of one cycle.</summary>
    /// <param name="time">Their time, in the model's unit; not before <see cref="Time"/>.</param>
    /// <param name="values">The observations, <c>[p]</c>; NaN = missing.</param>
    /// <exception cref="ArgumentException">A wrong number of values, an infinite value, or a time that is early, not finite or between the
    /// model's steps. The session is as before.</exception>
    /// <exception cref="DivergenceException">The forecast or the analysis is non-finite, or beyond the method's bound. The session has
    /// ended; resume it from a file.</exception>
    /// <exception cref="InvalidOperationException">The session has ended.</exception>
    public SessionCycle Assimilate(double time, params ReadOnlySpan<double> values)
    {
        lock (gate)
        {
            RequireAlive();
            Check(time, values);
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            bool[] there = new bool[values.Length];
            double[] known = new double[values.Length];
            for (int i = 0; i < known.Length; i++)
                if (there[i] = !double.IsNaN(values[i])) known[i] = values[i];
            var given = tensor(known, dtype: ScalarType.Float64).to(method.Context.Precision, method.Context.Device).unsqueeze(0);
            var mask = there.Contains(false) ? tensor(there).to(method.Context.Device).unsqueeze(0) : null;
            feed.Next(given, mask, time);
            try { run.MoveNext(); }
            catch (Exception error)
            {
                failed = error.Message;
                throw;
            }
            return Described(new Observation(mask is null ? given : where(mask, given, zeros_like(given)), mask, run.MemoryTime),
                there.Count(observed => observed));
        }
    }

    /// <summary>The latest analysis; null before the first.</summary>
    public StateEstimate? Analysis
    {
        get
        {
            lock (gate)
            {
                if (failed is not null || run.Cycle < 0) return null;
                return Predicted(run.MemoryTime);
            }
        }
    }

    /// <summary>Propagates the latest analysis to a later time without further observations; the session itself is not affected. The same
    /// call gives the same answer, random model errors included.</summary>
    /// <param name="time">The time, in the model's unit; not before <see cref="Time"/>.</param>
    /// <exception cref="ArgumentException">The time is early, not finite or between the model's steps.</exception>
    /// <exception cref="InvalidOperationException">There is no analysis yet, or the session has ended.</exception>
    /// <exception cref="DivergenceException">The forecast is non-finite.</exception>
    public StateEstimate Forecast(double time)
    {
        lock (gate)
        {
            RequireAlive();
            if (run.Cycle < 0)
                throw new InvalidOperationException($"This session of {Method} has no analysis yet; assimilate an observation first.");
            RequireTime(time, "a forecast");
            return Predicted(time);
        }
    }

    /// <summary>
    /// Writes the memory, the random numbers and the <see cref="Attachment"/> to a file. The older file stays whole until the new one is
    /// complete and on the disk.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidOperationException">The session has ended.</exception>
    public void Save(string path)
    {
        lock (gate)
        {
            RequireAlive();
            Files.Write(path, method.Identity, writer =>
            {
                writer.Set("startTime", StartTime);
                run.Save(writer);
                writer.Set("attached", Attachment is not null);
                if (Attachment is not null) writer.Set("attachment", Attachment);
            });
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            failed ??= "it was disposed";
            run.Dispose();
        }
    }

    private static ISequentialAssimilation Sequential(ITransformer method) => method as ISequentialAssimilation
        ?? throw new ArgumentException(
            $"A session runs one sequential method, such as the one that context.Analysis makes; given: {method.Name}, a " +
                $"{method.GetType().Name}.", nameof(method));

    private void RequireAlive()
    {
        if (failed is not null)
            throw new InvalidOperationException(
                $"This session of {Method} has ended: {failed} Resume it from its last file, or begin anew.");
    }

    private void Check(double time, ReadOnlySpan<double> values)
    {
        if (values.Length != ObservationDimension)
            throw new ArgumentException(
                $"{Method}: {values.Length} values were given for time {time:g9}; {ObservationDimension} are needed, NaN for a " +
                    "missing one.");
        for (int i = 0; i < values.Length; i++)
            if (double.IsInfinity(values[i]))
                throw new ArgumentException(
                    $"{Method}: observation {i} of time {time:g9} is infinite; give a finite number, or NaN if it is missing.");
        RequireTime(time, "an observation");
    }

    private void RequireTime(double time, string what)
    {
        if (!double.IsFinite(time)) throw new ArgumentException($"{Method}: the time of {what} must be finite; given: {time}.");
        if (run.OnStep(time) < run.MemoryTime)
            throw new ArgumentException($"{Method}: {what} of time {time:g9} is too late: the session is at time {run.MemoryTime:g9}.");
    }

    private SessionCycle Described(Observation observation, int observed)
    {
        StateEstimate Estimate(Column mean, Column spread) => new(run.MemoryTime, Numbers(run[mean]),
            method.Contract.Adds.Any(column => column.Column == spread) ? Numbers(run[spread]) : null);
        var forecast = Estimate(Columns.Forecast, Columns.ForecastSpread);
        var analysis = Estimate(Columns.Analysis, Columns.AnalysisSpread);
        var cycle = new SessionCycle(run.Cycle, forecast, analysis, observed);
        if (innovation is null || observed == 0) return cycle;
        double size = innovation.MeanSquare(run[Columns.Forecast].to(observation.Values.dtype), observation).sqrt().ToDouble();
        if (forecast.Spread is null) return cycle with { Innovation = size };
        var (y, d) = PredictedInnovations.Whitened(run.ForecastDensity!, observation, method.Network!);
        return cycle with { Innovation = size, ChiSquare = PredictedInnovations.Of(y, d).Distance.ToDouble() / observed };
    }

    private StateEstimate Predicted(double time)
    {
        using var scope = NewDisposeScope();
        var (mean, spread) = run.PredictState(time);
        return new StateEstimate(run.OnStep(time), Numbers(mean), spread is null ? null : Numbers(spread));
    }

    private static double[] Numbers(Tensor tensor) => tensor[0].to(ScalarType.Float64).cpu().contiguous().ToArray<double>();
}
