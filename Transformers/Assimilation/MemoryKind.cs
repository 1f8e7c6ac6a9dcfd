namespace DaML;

/// <summary>The name of a memory's type in the kinds of components that are generic in it.</summary>
public static class MemoryKind
{
    /// <summary>For instance <c>ProductMemory(StateMemory, VectorMemory)</c>.</summary>
    /// <param name="memory">The memory's type.</param>
    public static string Of(Type memory) => memory.IsGenericType
        ? $"{memory.Name[..memory.Name.IndexOf('`')]}({string.Join(", ", memory.GetGenericArguments().Select(Of))})"
        : memory.Name;
}
