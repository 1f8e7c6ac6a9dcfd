using Microsoft.ML;

namespace DaML.Tests;

static class MachineLearningRows
{
    public static IDataView Features(MLContext ml, ITransformer filter, ITrajectoryView twin)
    {
        // <rows>
        var rows = filter.Transform(twin.Take(500)).ToDataView();
        var pipeline = ml.Transforms.Concatenate("Features", "forecast", "observation")
            .Append(ml.Transforms.NormalizeMeanVariance("Features", fixZero: false));
        var features = pipeline.Fit(rows).Transform(rows);
        // </rows>
        return features;
    }
}
