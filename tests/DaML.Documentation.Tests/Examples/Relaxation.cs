using DaML;
using TorchSharp;
using static TorchSharp.torch;

/// <summary>Relaxation to a climatology, x' = (c - x) / tau.</summary>
[Component("example.org/relaxation")]
public sealed class Relaxation : Dynamics
{
    private readonly ConstantTensor climatology;

    public Relaxation(Tensor climatology, double tau, double timeStep = 0.1) : base(climatology.shape[0], timeStep)
    {
        this.climatology = new ConstantTensor(climatology);
        Tau = tau;
    }

    public Tensor Climatology => climatology.Value;

    public double Tau { get; }

    protected override Tensor Tendency(Tensor state) => (climatology.Like(state) - state) / Tau;
}
