using System.Text;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

/// <summary>What optimizers with parameter groups have in common: the groups, the state of each parameter, saving both.</summary>
public abstract class OptimizerHelper : optim.Optimizer
{
    protected OptimizerOptions _defaults = null!;
    protected OrderedDict<IntPtr, OptimizerState> _state = new();

    public OptimizerHelper() : base(0)
    {
    }

    public override void add_param_group(ParamGroup param_group) => _parameter_groups.Add(param_group);

    /// <summary>Adds a group whose options are complete, with a fresh state for each of its parameters.</summary>
    private protected void Add(ParamGroup group, Func<Parameter, OptimizerState> state)
    {
        group.Options.InitialLearningRate = group.Options.LearningRate!.Value;
        foreach (var p in group.Members)
        {
            if (_state.ContainsKey(p.Handle)) throw new ArgumentException("A parameter is in more than one group, or twice in one.");
            var s = state(p);
            s.Initialize(group.Options);
            _state[p.Handle] = s;
        }
        _parameter_groups.Add(group);
    }

    public override IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(g => g.Members);

    protected Tensor _step<T>(Action<T> body, Func<Tensor> loss_closure = null!) where T : ParamGroup
    {
        Tensor? loss = null;
        if (loss_closure is not null)
        {
            using (enable_grad()) loss = loss_closure();
        }
        using (no_grad())
        using (NewDisposeScope())
        {
            foreach (var group in _parameter_groups) body((T)group);
        }
        return loss!;
    }

    public virtual StateDictionary state_dict()
    {
        var dict = new StateDictionary();
        foreach (var group in _parameter_groups)
        {
            dict.Options.Add(group.Options);
            var refs = new List<int>();
            foreach (var p in group.Members)
            {
                refs.Add(dict.State.Count);
                dict.State.Add(_state[p.Handle]);
            }
            dict.StateIndexRef.Add(refs);
        }
        return dict;
    }

    public virtual void load_state_dict(StateDictionary state_dict)
    {
        var mine = this.state_dict();
        CheckCounts(mine, state_dict.Options.Count, state_dict.State.Count);
        for (var i = 0; i < mine.Options.Count; i++)
        {
            if (!ReferenceEquals(mine.Options[i], state_dict.Options[i])) mine.Options[i].LoadStateDict(state_dict.Options[i]);
        }
        for (var i = 0; i < mine.State.Count; i++)
        {
            if (!ReferenceEquals(mine.State[i], state_dict.State[i])) mine.State[i].LoadStateDict(state_dict.State[i]);
        }
    }

    private static void CheckCounts(StateDictionary mine, long groups, long states)
    {
        if (groups != mine.Options.Count)
        {
            throw new ArgumentException($"Invalid optimizer state -- different number of parameter groups: {groups}, this optimizer has {mine.Options.Count}.");
        }
        if (states != mine.State.Count)
        {
            throw new ArgumentException($"Invalid optimizer state -- different number of states: {states}, this optimizer has {mine.State.Count}.");
        }
    }

    public void save_state_dict(string location) => WholeFile.Write(location, stream =>
    {
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        save_state_dict(writer);
    });

    public void save_state_dict(BinaryWriter writer)
    {
        var dict = state_dict();
        writer.Write(GetType().Name);
        writer.Write7BitEncodedInt64(dict.Options.Count);
        writer.Write7BitEncodedInt64(dict.State.Count);
        foreach (var o in dict.Options) o.SaveStateDict(writer);
        foreach (var s in dict.State) s.SaveStateDict(writer);
    }

    public void load_state_dict(string location)
    {
        using var reader = new BinaryReader(File.OpenRead(location));
        load_state_dict(reader);
    }

    public void load_state_dict(BinaryReader reader)
    {
        var saved = reader.ReadString();
        if (saved != GetType().Name)
        {
            throw new InvalidDataException($"Mismatched optimizer type: expected '{GetType().Name}', but found '{saved}' in the loaded stream.");
        }
        var groups = reader.Read7BitEncodedInt64();
        var states = reader.Read7BitEncodedInt64();
        var dict = state_dict();
        CheckCounts(dict, groups, states);
        foreach (var o in dict.Options) o.LoadStateDict(reader);
        foreach (var s in dict.State) s.LoadStateDict(reader);
    }

    public void to(Device device)
    {
        foreach (var (_, s) in _state) s.to(device);
    }

    public override void zero_grad()
    {
        foreach (var group in _parameter_groups)
        {
            foreach (var p in group.Members)
            {
                using var grad = p.grad;
                using var zeroed = grad?.zero_();
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var (_, s) in _state) (s as IDisposable)?.Dispose();
            _state.Clear();
        }
        base.Dispose(disposing);
    }

    private protected static void Require(bool holds, string what)
    {
        if (!holds) throw new ArgumentException(what);
    }
}
