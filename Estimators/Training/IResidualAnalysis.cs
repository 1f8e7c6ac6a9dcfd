using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>An analysis x_a = x_f + a(x_f, H^T R^-1 (y - H x_f)) by a network a.</summary>
internal interface IResidualAnalysis
{
    /// <summary>a.</summary>
    nn.Module Network { get; }

    /// <summary>H.</summary>
    IObservationOperator Operator { get; }

    /// <summary>R.</summary>
    IErrorCovariance Error { get; }
}
