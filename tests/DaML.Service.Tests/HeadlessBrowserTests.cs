using PuppeteerSharp;

namespace DaML.Tests;

public sealed class HeadlessBrowserTests
{
    [BrowserFact]
    public async Task A_page_has_the_width_and_the_colours_that_were_asked_for()
    {
        await using var browser = await HeadlessBrowser.Start();
        var seen = new List<string>();
        foreach (int width in (int[])[HeadlessBrowser.Phone, HeadlessBrowser.Desktop])
            foreach (bool dark in (bool[])[false, true])
            {
                await using var page = await browser.Open(width, dark);
                await page.SetContentAsync("<meta name=viewport content='width=device-width'><p>");
                seen.Add(await page.EvaluateExpressionAsync<string>(
                    "innerWidth + ' ' + matchMedia('(prefers-color-scheme: dark)').matches"));
            }
        Assert.Equal(["390 false", "390 true", "1280 false", "1280 true"], seen);
    }
}
