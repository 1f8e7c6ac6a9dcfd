using System.Net.Mime;
using System.Text.Json.Serialization;
using DaML.Components;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
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
        CheckArguments(args);
        var section = builder.Configuration.GetSection("Service");
        string[] known = [.. typeof(ServiceOptions).GetProperties().Select(property => property.Name)];
        foreach (var setting in section.GetChildren())
            if (!known.Contains(setting.Key, StringComparer.OrdinalIgnoreCase))
                throw new ArgumentException($"There is no setting 'Service:{setting.Key}'. There are: {string.Join(", ", known)}.");
        var options = (section.Get<ServiceOptions>() ?? new()).Checked();
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
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = problem =>
        {
            if (problem.Exception is BadHttpRequestException wrong) problem.ProblemDetails.Detail ??= wrong.Message;
        });
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict);
        services.AddOpenApi();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30));
        AddTelemetry(services, exportsAway: builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is not null);
        configure?.Invoke(services);

        var application = builder.Build();
        application.UseExceptionHandler(new ExceptionHandlerOptions
        {
            StatusCodeSelector = wrong => wrong is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError,
        });
        application.UseStatusCodePages();
        application.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        application.MapHealthChecks("/health/ready");
        application.MapPrometheusScrapingEndpoint("/metrics");
        application.MapOpenApi();
        application.MapGet("/", Page).ExcludeFromDescription();
        SessionEndpoints.Map(application);
        return application;
    }

    // The configuration of .NET takes every word and every name; a mistyped one would change nothing and say nothing.
    private static void CheckArguments(string[] args)
    {
        string[] roots = ["urls", "Service", "DataAssimilation", "Logging", "Kestrel", "environment", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i].StartsWith("--", StringComparison.Ordinal) ? args[i][2..].Split('=')[0] : "";
            if (!roots.Contains(name.Split(':')[0], StringComparer.OrdinalIgnoreCase))
                throw new ArgumentException(
                    $"'{args[i]}' is no setting. Settings are --urls=ADDRESS, and names such as --Service:Inbox=FOLDER of the sections " +
                        $"{string.Join(", ", roots[1..5])}.");
            if (!args[i].Contains('=', StringComparison.Ordinal)) i++;    // its value is the next word
            if (i == args.Length) throw new ArgumentException($"The setting '{args[^1]}' needs a value.");
        }
    }

    private static void AddTelemetry(IServiceCollection services, bool exportsAway)
    {
        var telemetry = services.AddOpenTelemetry().ConfigureResource(service => service.AddService("daml-service")).WithMetrics(metrics =>
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
