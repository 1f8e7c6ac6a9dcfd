using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The eigenvectors of minus the second difference on a line of points: the cosine, sine or Fourier basis that suits its ends, and their
/// eigenvalues.
/// </summary>
internal sealed class DiffusionModes
{
    public DiffusionModes(int points, DiffusionBoundary boundary)
    {
        var basis = new double[points * points];
        Eigenvalues = new double[points];
        for (int k = 0; k < points; k++)
        {
            // cos(angle i + phase), and the eigenvalue 2 - 2 cos(angle)
            var (angle, phase, constant) = boundary switch
            {
                DiffusionBoundary.Mirror => (Math.PI * k / points, Math.PI * k / (2 * points), k == 0),
                DiffusionBoundary.Zero => (Math.PI * (k + 1) / (points + 1), Math.PI * (k + 1) / (points + 1) - Math.PI / 2, false),
                _ => (2 * Math.PI * ((k + 1) / 2) / points, k % 2 == 1 ? 0 : -Math.PI / 2, k == 0 || 2 * ((k + 1) / 2) == points),
            };
            if (boundary == DiffusionBoundary.Periodic && k == 0) phase = 0;
            double scale = Math.Sqrt((constant ? 1.0 : 2.0) / (boundary == DiffusionBoundary.Zero ? points + 1 : points));
            for (int i = 0; i < points; i++) basis[i * points + k] = scale * Math.Cos(angle * i + phase);
            Eigenvalues[k] = 2 - 2 * Math.Cos(angle);
        }
        using var values = tensor(basis).reshape(points, points);
        Basis = new ConstantTensor(values);
    }

    /// <summary>The eigenvectors, orthogonal, <c>[points, modes]</c>.</summary>
    public ConstantTensor Basis { get; }

    /// <summary>The eigenvalues in units of the inverse spacing squared, zero or above.</summary>
    public double[] Eigenvalues { get; }
}
