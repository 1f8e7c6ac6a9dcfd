using static TorchSharp.torch;

namespace TorchSharp.Modules;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

/// <summary>The settings of a group of parameters; what is null takes the optimizer's default.</summary>
public class OptimizerOptions
{
    public double? LearningRate { get; set; }
    public double InitialLearningRate { get; set; }

    public virtual void LoadStateDict(BinaryReader reader)
    {
        InitialLearningRate = reader.ReadDouble();
        LearningRate = reader.ReadDouble();
    }

    public virtual void LoadStateDict(OptimizerOptions source)
    {
        InitialLearningRate = source.InitialLearningRate;
        LearningRate = source.LearningRate;
    }

    public virtual void SaveStateDict(BinaryWriter writer)
    {
        writer.Write(InitialLearningRate);
        writer.Write(LearningRate!.Value);
    }
}

/// <summary>What an optimizer remembers about one parameter.</summary>
public abstract class OptimizerState
{
    protected Parameter _parameter;

    protected OptimizerState(Parameter parameter) => _parameter = parameter;

    public virtual bool ApproximatelyEquals(OptimizerState other) => false;
    public abstract void Initialize(OptimizerOptions options);
    public abstract void LoadStateDict(BinaryReader reader);
    public abstract void LoadStateDict(OptimizerState source);
    public abstract void SaveStateDict(BinaryWriter writer);

    public virtual void to(Device device)
    {
    }

    protected static void LoadConditionalStateTensor(BinaryReader reader, ref Tensor result, Device device)
    {
        if (!reader.ReadBoolean())
        {
            result?.Dispose();
            result = null!;
            return;
        }
        using var loaded = TensorExtensionMethods.Load(reader);
        result?.Dispose();
        result = loaded.to(device, copy: true).DetachFromDisposeScope();
    }

    protected static void SaveConditionalStateTensor(BinaryWriter writer, Tensor tensor)
    {
        writer.Write(tensor is not null);
        tensor?.Save(writer);
    }

    /// <summary>Zeros of the parameter's shape, type and place that no scope disposes.</summary>
    private protected Tensor Zeros()
    {
        using var _ = no_grad();
        return zeros_like(_parameter).DetachFromDisposeScope();
    }

    private protected static void Move(ref Tensor t, Device device)
    {
        if (t is null) return;
        var moved = t.to(device, copy: true).DetachFromDisposeScope();
        t.Dispose();
        t = moved;
    }

    private protected void Copy(ref Tensor mine, Tensor? theirs)
    {
        if (ReferenceEquals(mine, theirs)) return;
        mine?.Dispose();
        using var _ = no_grad();
        mine = theirs is null ? null! : theirs.to(_parameter.device, copy: true).DetachFromDisposeScope();
    }

    private protected static bool Near(Tensor? a, Tensor? b) => a is null ? b is null : b is not null && a.allclose(b);
}

/// <summary>Parameters that share settings.</summary>
public class ParamGroup : optim.ILearningRateController
{
    private Parameter[]? _members;

    public IEnumerable<Parameter> Parameters
    {
        get;
        set => (field, _members) = (value, null);
    } = [];

    public OptimizerOptions Options { get; set; } = null!;

    public double LearningRate
    {
        get => Options.LearningRate!.Value;
        set => Options.LearningRate = value;
    }

    public double InitialLearningRate
    {
        get => Options.InitialLearningRate;
        set => Options.InitialLearningRate = value;
    }

    /// <summary>The parameters as a list, made once: <see cref="Parameters"/> may be a walk over a module tree.</summary>
    internal Parameter[] Members => _members ??= [.. Parameters];
}

/// <summary>Parameters that share settings of a certain optimizer.</summary>
/// <typeparam name="TOptions">The optimizer's settings.</typeparam>
public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
{
    public ParamGroup()
    {
    }

    public ParamGroup(IEnumerable<Parameter> parameters, TOptions options = null!)
    {
        Parameters = parameters;
        base.Options = options;
    }

    public new TOptions Options
    {
        get => (TOptions)base.Options;
        set => base.Options = value;
    }
}
