namespace TorchSharp.Utils;

/// <summary>Gives a field of a module another name, in <c>state_dict</c> and wherever else names appear, than the field's own.</summary>
public class ComponentNameAttribute : Attribute
{
    /// <summary>The component's name; it may not be empty nor contain a dot. Null leaves the field's own.</summary>
    public string Name { get; set; } = null!;
}
