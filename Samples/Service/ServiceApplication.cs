using System.Net.Mime;
using DaML.Components;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace DaML.Samples.Service;

/// <summary>Puts the service together.</summary>
internal static class ServiceApplication
{
    /// <summary>Makes the service.</summary>
    /// <param name="args">Its command line: settings such as <c>--urls</c> or <c>--Service:Inbox</c>, which go before those of
    /// <c>appsettings.json</c> and the environment.</param>
    /// <param name="configure">Adds or replaces services, for tests (default: null, none).</param>
    /// <exception cref="ArgumentException">A setting is unknown or has a wrong value.</exception>
    public static WebApplication Create(string[] args, Action<IServiceCollection>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        var options = (builder.Configuration.GetSection("Service").Get<ServiceOptions>(
            binding => binding.ErrorOnUnknownConfiguration = true) ?? new()).Checked();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.LargestBody;
            kestrel.Limits.MaxConcurrentConnections = 1000;
        });
        var services = builder.Services;
        services.AddDataAssimilation(builder.Configuration.GetSection("DataAssimilation"));
        services.AddSingleton(options).AddSingleton(TimeProvider.System).AddSingleton<ServiceMetrics>().AddSingleton<DiagnosticsLog>()
            .AddSingleton<SessionDesk>().AddSingleton<BackgroundWork>().AddHostedService(provider =>
                provider.GetRequiredService<BackgroundWork>()).AddHostedService<InboxWorker>();
        services.AddHealthChecks().AddCheck<BackgroundWork>("pipelines");
        services.AddProblemDetails();
        services.AddOpenApi();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30));
        AddTelemetry(services, exportsAway: builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is not null);
        configure?.Invoke(services);

        var application = builder.Build();
        application.UseExceptionHandler();
        application.UseStatusCodePages();
        application.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        application.MapHealthChecks("/health/ready");
        application.MapPrometheusScrapingEndpoint("/metrics");
        application.MapOpenApi();
        application.MapGet("/", Page).ExcludeFromDescription();
        SessionEndpoints.Map(application);
        return application;
    }

    private static void AddTelemetry(IServiceCollection services, bool exportsAway)
    {
        var telemetry = services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.AddMeter(Telemetry.SourceName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
                .AddPrometheusExporter();
            if (exportsAway) metrics.AddOtlpExporter();
        });
        if (exportsAway) telemetry.WithTracing(traces => traces.AddSource(Telemetry.SourceName).AddOtlpExporter());
    }

    // One file without parts from elsewhere; the browser is told to fetch none.
    private static IResult Page(HttpContext context)
    {
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; " +
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Stream(typeof(ServiceApplication).Assembly.GetManifestResourceStream("Page/page.html")!, MediaTypeNames.Text.Html);
    }
}
