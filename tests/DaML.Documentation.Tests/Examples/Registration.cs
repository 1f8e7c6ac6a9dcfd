using DaML;
using Microsoft.Extensions.DependencyInjection;

/// <summary>Own components beside DaML's in dependency injection.</summary>
public static class Registration
{
    public static (IDynamics Own, IDynamics Built) Resolve()
    {
        // <example>
        var services = new ServiceCollection();
        services.AddDataAssimilation(daml =>
        {
            daml.Options = new() { Seed = 1 };
            daml.Add<IDynamics>("roessler", _ => new Roessler());
            daml.Add<IObservationOperator>("radiance", _ => new RadianceOperator(40));
        });
        using var provider = services.BuildServiceProvider();
        var own = provider.GetRequiredKeyedService<IDynamics>("roessler");
        var built = provider.GetRequiredKeyedService<IDynamics>("lorenz-96");
        // </example>
        return (own, built);
    }
}
