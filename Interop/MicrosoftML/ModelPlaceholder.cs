using Microsoft.ML;
using Microsoft.ML.Transforms;

namespace DaML.Components;

/// <summary>
/// What stands for a DaML step in ML.NET's part of a saved model. ML.NET's formats can hold foreign steps only by name, so the step itself
/// is beside it in the file, and <see cref="MicrosoftMLModel.Load"/> puts it in its place.
/// </summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class ModelPlaceholder : CustomMappingFactory<ModelPlaceholder.Nothing, ModelPlaceholder.Placeholder>
{
    private const string Contract = "DaML.Interop.MicrosoftML";

    // The number of placeholders that this thread has made while it saves or loads by DaML's own doors; null: it does not.
    [ThreadStatic]
    private static int? made;

    /// <summary>Saves a placeholder, within <see cref="Count"/>.</summary>
    /// <exception cref="InvalidOperationException">The model is saved by ML.NET's own means.</exception>
    public static void Save(MLContext ml, ModelSaveContext saving)
    {
        if (made is null)
            throw new InvalidOperationException("A model with steps of DaML is saved by context.Model.SaveMicrosoftML(ml, model, schema, " +
                "path), which writes these steps too. ML.NET's own Save cannot, and what it has written so far is no model: delete it.");
        ((ICanSaveModel)ml.Transforms.CustomMapping(new ModelPlaceholder().GetMapping(), Contract)
            .Fit(ml.Data.LoadFromEnumerable<Nothing>([]))).Save(saving);
    }

    /// <summary>Lets placeholders be saved and loaded on this thread while <paramref name="work"/> lasts.</summary>
    /// <returns>The number of placeholders that were saved or loaded.</returns>
    public static int Count(Action work)
    {
        made = 0;
        try
        {
            work();
            return made.Value;
        }
        finally
        {
            made = null;
        }
    }

    /// <summary>Whether a transformer of a loaded model is a placeholder.</summary>
    public static bool Is(Microsoft.ML.ITransformer transformer) => transformer is CustomMappingTransformer<Nothing, Placeholder>;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The model is loaded by ML.NET's own means.</exception>
    public override Action<Nothing, Placeholder> GetMapping()
    {
        made = made + 1 ?? throw new InvalidOperationException("This model has steps of DaML, which ML.NET's own Load cannot read: load " +
            "it by context.Model.LoadMicrosoftML(ml, path, out schema).");
        return (_, _) => { };
    }

    /// <summary>A row without columns.</summary>
    public sealed class Nothing;

    /// <summary>A row with one column that nobody reads.</summary>
    public sealed class Placeholder
    {
        /// <summary>The column.</summary>
        public float DaML { get; set; }
    }
}
