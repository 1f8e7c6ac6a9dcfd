using PuppeteerSharp;

namespace DaML.Tests;

/// <summary>The page of live diagnostics, in a real browser.</summary>
public sealed class DiagnosticsPageTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // The smallest ratio of contrast between visible text and its ground (WCAG 2, 1.4.3), with its text.
    private const string Contrast = """
        () => {
          const parse = text => text.match(/[\d.]+/g).map(Number);
          const light = rgb => rgb.slice(0, 3).map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
          let worst = [99, 'none'];
          for (const e of document.querySelectorAll('body *')) {
            const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent.trim()).join('');
            if (!own || !e.getClientRects().length) continue;
            const style = getComputedStyle(e), a = light(parse(e instanceof SVGElement ? style.fill : style.color)), b = light(ground(e));
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < worst[0]) worst = [ratio, own];
          }
          return worst[0].toFixed(2) + ' ' + worst[1];
        }
        """;

    [BrowserTheory]
    [InlineData(HeadlessBrowser.Phone, false), InlineData(HeadlessBrowser.Phone, true)]
    [InlineData(HeadlessBrowser.Desktop, false), InlineData(HeadlessBrowser.Desktop, true)]
    public async Task It_shows_new_cycles_as_they_come_fits_its_window_and_can_be_read(int width, bool dark)
    {
        await using var service = await ServiceUnderTest.Start(folder.FullName);
        await using var browser = await HeadlessBrowser.Start();
        await using var page = await browser.Open(width, dark);
        var problems = new List<string>();
        page.Console += (_, said) => { lock (problems) problems.Add(said.Message.Text); };
        page.PageError += (_, error) => { lock (problems) problems.Add(error.Message); };
        page.Request += (_, asked) =>
        {
            string[] own = [service.Address, "data:"];
            if (!own.Any(start => asked.Request.Url.StartsWith(start, StringComparison.Ordinal)))
                lock (problems) problems.Add("asks for " + asked.Request.Url);
        };
        await page.GoToAsync(service.Address);
        await page.WaitForFunctionAsync("() => document.getElementById('state').textContent.startsWith('No session yet')");

        for (int i = 0; i < 12; i++) await service.Assimilate("buoys", Batch.Twin[i]);
        await page.WaitForFunctionAsync("() => document.getElementById('state').textContent === 'Live; 12 cycles shown.'");
        await service.Assimilate("buoys", Batch.Twin[12]);
        await page.WaitForFunctionAsync("() => document.getElementById('state').textContent === 'Live; 13 cycles shown.'");

        Task<T> Ask<T>(string script) => page.EvaluateExpressionAsync<T>(script);
        Assert.Equal("lorenz-96-etkf/buoys", await Ask<string>("document.getElementById('session').value"));
        // Four curves of thirteen points, and the table's newest row.
        Assert.Equal("13 13 13 13", await Ask<string>(
            "[...document.querySelectorAll('polyline')].map(curve => curve.points.numberOfItems).join(' ')"));
        Assert.Equal("12", await Ask<string>("document.querySelector('#latest td').textContent"));
        Assert.Equal(8, await Ask<int>("document.querySelectorAll('#latest tr').length"));
        // It fits its window; only the table may be moved sideways.
        Assert.Equal(width, await Ask<int>("document.documentElement.scrollWidth"));
        Assert.Equal(width < 600 ? 1 : 3, await Ask<int>(
            "new Set([...document.querySelectorAll('figure')].map(figure => figure.getBoundingClientRect().left)).size"));
        Assert.Equal(dark, await Ask<bool>("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]) < 100"));
        string worst = await page.EvaluateFunctionAsync<string>(Contrast);
        Assert.True(double.Parse(worst.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture) >= 4.5, worst);
        // Every figure, field and region has a name, and what is touched is large enough for a finger.
        Assert.Equal("", await Ask<string>(
            "[...document.querySelectorAll('svg, [role=region]')].filter(e => !e.getAttribute('aria-labelledby').split(' ')" +
                ".every(id => document.getElementById(id)?.textContent.trim())).map(e => e.id).join()"));
        Assert.True(await Ask<bool>("document.getElementById('session').labels.length === 1"));
        Assert.True(await Ask<double>("document.getElementById('session').getBoundingClientRect().height") >= 44);
        Assert.Equal(1, await Ask<int>("document.querySelectorAll('h1').length"));
        Assert.Equal("en", await Ask<string>("document.documentElement.lang"));
        Assert.Empty(problems);
        if (Environment.GetEnvironmentVariable("DAML_SCREENSHOTS") is { Length: > 0 } shots)
            await page.ScreenshotAsync(Path.Combine(shots, $"service-{width}-{(dark ? "dark" : "light")}.png"), new() { FullPage = true });
    }
}
