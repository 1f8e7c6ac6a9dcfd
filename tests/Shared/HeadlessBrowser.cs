using PuppeteerSharp;
using PuppeteerSharp.Media;

namespace DaML.Tests;

#pragma warning disable xUnit3003 // the constructor it asks for is that of xunit 3

/// <summary>
/// A real browser without a window: Debian's <c>chromium</c>, or another that the variable <c>DAML_BROWSER</c> names. It reads files
/// and pages of this machine only, and keeps its profile in a folder of its own that is deleted with it.
/// </summary>
internal sealed class HeadlessBrowser : IAsyncDisposable
{
    /// <summary>The width of a phone, in CSS pixels.</summary>
    public const int Phone = 390;

    /// <summary>The width of a desktop window, in CSS pixels.</summary>
    public const int Desktop = 1280;

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private readonly IBrowser browser;
    private readonly TemporaryFolder profile;

    private HeadlessBrowser(IBrowser browser, TemporaryFolder profile) => (this.browser, this.profile) = (browser, profile);

    /// <summary>The program; null where there is none.</summary>
    public static string? Program { get; } = Environment.GetEnvironmentVariable("DAML_BROWSER") is { Length: > 0 } named ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    /// <summary>Starts a browser.</summary>
    public static async Task<HeadlessBrowser> Start()
    {
        var profile = new TemporaryFolder();
        try
        {
            // A container has no sandbox of its own and little shared memory; neither has any need of the network.
            var browser = await Puppeteer.LaunchAsync(new LaunchOptions
            {
                ExecutablePath = Program, Headless = true, UserDataDir = profile.FullName, Timeout = 120_000, ProtocolTimeout = 120_000,
                Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
                    "--disable-component-update", "--disable-sync", "--no-first-run", "--no-proxy-server", "--password-store=basic"],
            });
            return new HeadlessBrowser(browser, profile);
        }
        catch
        {
            profile.Dispose();
            throw;
        }
    }

    /// <summary>Opens an empty page; <c>GoToAsync</c> shows an address, of a file too.</summary>
    /// <param name="width">The width of the window, in CSS pixels.</param>
    /// <param name="dark">Whether the reader prefers dark colours.</param>
    public async Task<IPage> Open(int width = Desktop, bool dark = false)
    {
        var page = await browser.NewPageAsync();
        page.DefaultTimeout = 60_000;
        await page.SetViewportAsync(new ViewPortOptions
        {
            Width = width, Height = width < 600 ? 844 : 800, IsMobile = width < 600, HasTouch = width < 600, DeviceScaleFactor = 1,
        });
        await page.EmulateMediaFeaturesAsync(
            [new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = dark ? "dark" : "light" }]);
        return page;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await browser.CloseAsync();
        await browser.DisposeAsync();
        profile.Dispose();
    }
}

/// <summary>A test that runs where a browser is and is skipped, with the reason printed, where none is.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    /// <summary>Looks for a browser.</summary>
    public BrowserFactAttribute() => Skip = Reason;

    /// <summary>Why no test can open a page; null where it can.</summary>
    public static string? Reason { get; } = HeadlessBrowser.Program is not null ? null
        : "there is no browser: install chromium, or name one in DAML_BROWSER";
}

/// <summary>A test with several cases that runs where a browser is and is skipped, with the reason printed, where none is.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserTheoryAttribute : TheoryAttribute
{
    /// <summary>Looks for a browser.</summary>
    public BrowserTheoryAttribute() => Skip = BrowserFactAttribute.Reason;
}
