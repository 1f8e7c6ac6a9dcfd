using static TorchSharp.torch;

namespace TorchSharp.Modules;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

internal interface IParameterLessModule
{
}

/// <summary>A layer with nothing to learn and nothing to move: moving it does nothing, registering in it is an error.</summary>
/// <typeparam name="T1">The argument of <c>forward</c>.</typeparam>
/// <typeparam name="TResult">Its result.</typeparam>
public abstract class ParameterLessModule<T1, TResult> : nn.Module<T1, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name)
    {
    }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;

    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw Refused();
    public override void register_parameter(string name, Parameter param) => throw Refused();
    public override void register_module(string name, nn.Module submodule) => throw Refused();

    private InvalidOperationException Refused() => new($"{GetName()} has no parameters, buffers or modules; nothing can be registered in it.");
}
