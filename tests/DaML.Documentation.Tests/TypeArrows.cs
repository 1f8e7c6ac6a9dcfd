using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace DaML.Tests;

/// <summary>
/// The arrows between the types of a compiled assembly, and the folder each type's source stands in: what a type's base, contracts, fields,
/// signatures and
/// method bodies name, and where its debug symbols say that it was written.
/// </summary>
internal sealed class TypeArrows : ISignatureTypeProvider<IEnumerable<string>, object?>
{
    // Portable PDB: the documents of types that have no code.
    private static readonly Guid TypeDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");

    private readonly MetadataReader metadata;
    private readonly PEReader assembly;

    /// <summary>Reads an assembly and its symbols.</summary>
    /// <param name="path">The assembly; its symbols stand beside it.</param>
    /// <param name="project">The project's folder, whose subfolders count.</param>
    public TypeArrows(string path, string project)
    {
        using var read = assembly = new PEReader(File.OpenRead(path));
        metadata = assembly.GetMetadataReader();
        var arrows = new HashSet<(string, string)>();
        foreach (var type in metadata.TypeDefinitions)
            foreach (string named in Named(type))
                if (named != Outer(type)) arrows.Add((Outer(type), named));
        Arrows = arrows;

        var files = new Dictionary<string, string>();
        using var symbols = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(path, ".pdb")));
        var debug = symbols.GetMetadataReader();
        foreach (var type in metadata.TypeDefinitions)
            foreach (var document in Documents(debug, type))
            {
                string file = debug.GetString(debug.GetDocument(document).Name).Replace('\\', '/');
                int at = file.LastIndexOf($"/{project}/", StringComparison.Ordinal);
                if (at >= 0 && !file.Contains("/obj/", StringComparison.Ordinal))
                    files.TryAdd(Outer(type), file[(at + project.Length + 2)..]);
            }
        Files = files;
    }

    /// <summary>From a type to another that it names; nested types count as the type around them.</summary>
    public IReadOnlySet<(string From, string To)> Arrows { get; }

    /// <summary>The file of each type, relative to the project.</summary>
    public IReadOnlyDictionary<string, string> Files { get; }

    /// <summary>The arrows between folders, each with the types it comes from.</summary>
    public ILookup<(string From, string To), string> BetweenFolders() => Arrows
        .Where(arrow => Files.ContainsKey(arrow.From) && Files.ContainsKey(arrow.To) && Folder(arrow.From) != Folder(arrow.To))
        .ToLookup(arrow => (Folder(arrow.From), Folder(arrow.To)), arrow => $"{arrow.From} -> {arrow.To}");

    /// <summary>The folder of a type, empty for the project's own.</summary>
    public string Folder(string type) => Path.GetDirectoryName(Files[type]) ?? "";

    private string Outer(TypeDefinitionHandle handle)
    {
        while (!metadata.GetTypeDefinition(handle).GetDeclaringType().IsNil) handle = metadata.GetTypeDefinition(handle).GetDeclaringType();
        return metadata.GetString(metadata.GetTypeDefinition(handle).Name);
    }

    private IEnumerable<DocumentHandle> Documents(MetadataReader debug, TypeDefinitionHandle type)
    {
        foreach (var method in metadata.GetTypeDefinition(type).GetMethods())
            if (debug.GetMethodDebugInformation(method.ToDebugInformationHandle()).Document is { IsNil: false } document)
                yield return document;
        foreach (var handle in debug.GetCustomDebugInformation(type))
        {
            var information = debug.GetCustomDebugInformation(handle);
            if (debug.GetGuid(information.Kind) != TypeDocuments) continue;
            var blob = debug.GetBlobReader(information.Value);
            while (blob.RemainingBytes > 0) yield return MetadataTokens.DocumentHandle(blob.ReadCompressedInteger());
        }
    }

    private IEnumerable<string> Named(TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        IEnumerable<string> names = [.. Of(type.BaseType), .. Constraints(type.GetGenericParameters()),
            .. type.GetInterfaceImplementations().SelectMany(contract => Of(metadata.GetInterfaceImplementation(contract).Interface)),
            .. type.GetFields().SelectMany(field => metadata.GetFieldDefinition(field).DecodeSignature(this, null))];
        return names.Concat(type.GetMethods().SelectMany(method => Method(metadata.GetMethodDefinition(method))));
    }

    private IEnumerable<string> Method(MethodDefinition method)
    {
        var signature = method.DecodeSignature(this, null);
        List<string> names = [.. signature.ReturnType, .. signature.ParameterTypes.SelectMany(type => type),
            .. Constraints(method.GetGenericParameters())];
        if (method.RelativeVirtualAddress == 0) return names;
        var body = assembly.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
            names.AddRange(metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(this, null).SelectMany(type => type));
        foreach (var (operand, token) in MethodCode.Read(body.GetILReader()))
            if (operand is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
                names.AddRange(Of(MetadataTokens.EntityHandle(token)));
        return names;
    }

    private IEnumerable<string> Constraints(GenericParameterHandleCollection parameters) =>
        parameters.SelectMany(parameter => metadata.GetGenericParameter(parameter).GetConstraints())
            .SelectMany(constraint => Of(metadata.GetGenericParameterConstraint(constraint).Type));

    private IEnumerable<string> Of(EntityHandle handle) => handle.IsNil ? [] : handle.Kind switch
    {
        HandleKind.TypeDefinition => [Outer((TypeDefinitionHandle)handle)],
        HandleKind.TypeSpecification => metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null),
        HandleKind.MethodDefinition => [Outer(metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType())],
        HandleKind.FieldDefinition => [Outer(metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType())],
        HandleKind.MemberReference => Of(metadata.GetMemberReference((MemberReferenceHandle)handle).Parent),
        HandleKind.MethodSpecification => [.. Of(metadata.GetMethodSpecification((MethodSpecificationHandle)handle).Method),
            .. metadata.GetMethodSpecification((MethodSpecificationHandle)handle).DecodeSignature(this, null).SelectMany(type => type)],
        _ => [],
    };

    IEnumerable<string> ISimpleTypeProvider<IEnumerable<string>>.GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle,
        byte kind) => [Outer(handle)];
    IEnumerable<string> ISimpleTypeProvider<IEnumerable<string>>.GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle,
        byte kind) => [];
    IEnumerable<string> ISimpleTypeProvider<IEnumerable<string>>.GetPrimitiveType(PrimitiveTypeCode code) => [];
    IEnumerable<string> ISZArrayTypeProvider<IEnumerable<string>>.GetSZArrayType(IEnumerable<string> element) => element;
    IEnumerable<string> IConstructedTypeProvider<IEnumerable<string>>.GetArrayType(IEnumerable<string> element, ArrayShape shape) =>
        element;
    IEnumerable<string> IConstructedTypeProvider<IEnumerable<string>>.GetByReferenceType(IEnumerable<string> element) => element;
    IEnumerable<string> IConstructedTypeProvider<IEnumerable<string>>.GetPointerType(IEnumerable<string> element) => element;
    IEnumerable<string> IConstructedTypeProvider<IEnumerable<string>>.GetGenericInstantiation(IEnumerable<string> type,
        ImmutableArray<IEnumerable<string>> arguments) =>
        type.Concat(arguments.SelectMany(argument => argument));
    IEnumerable<string> ISignatureTypeProvider<IEnumerable<string>,
        object?>.GetFunctionPointerType(MethodSignature<IEnumerable<string>> signature) =>
        signature.ParameterTypes.SelectMany(type => type).Concat(signature.ReturnType);
    IEnumerable<string> ISignatureTypeProvider<IEnumerable<string>, object?>.GetGenericMethodParameter(object? context, int index) => [];
    IEnumerable<string> ISignatureTypeProvider<IEnumerable<string>, object?>.GetGenericTypeParameter(object? context, int index) => [];
    IEnumerable<string> ISignatureTypeProvider<IEnumerable<string>, object?>.GetModifiedType(IEnumerable<string> modifier,
        IEnumerable<string> unmodified, bool required) => unmodified;
    IEnumerable<string> ISignatureTypeProvider<IEnumerable<string>, object?>.GetPinnedType(IEnumerable<string> element) => element;
    IEnumerable<string> ISignatureTypeProvider<IEnumerable<string>, object?>.GetTypeFromSpecification(MetadataReader reader,
        object? context, TypeSpecificationHandle handle,
        byte kind) => reader.GetTypeSpecification(handle).DecodeSignature(this, context);
}
