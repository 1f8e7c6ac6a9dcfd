using DaML;
using TorchSharp;
using static TorchSharp.torch;

internal static class SavedModel
{
    public static Relaxation Run(string path)
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Components = [ComponentType.Of<Relaxation>()] });
        ModelArchive.Write(new Relaxation(tensor([1.0, 2.0, 4.0]), tau: 5) { ModelError = ErrorCovariance.Scalar(3, 0.1) }, path);
        return context.Model.Load<Relaxation>(path);
    }
}
