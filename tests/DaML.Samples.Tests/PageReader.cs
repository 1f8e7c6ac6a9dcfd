using PuppeteerSharp;
using PuppeteerSharp.Media;

[assembly: AssemblyFixture(typeof(DaML.Tests.PageReader))]

namespace DaML.Tests;

/// <summary>
/// Opens a sample's page in a real browser, on a phone in the dark, on a desktop by day and on paper, and looks for what is wrong there.
/// One browser serves all tests and is started by the first that needs it.
/// </summary>
public sealed class PageReader : IAsyncDisposable
{
    private readonly Lazy<Task<HeadlessBrowser>> browser = new(HeadlessBrowser.Start);

    // What is wrong with the page, a line each. Texts of figures may be a pixel nearer than their boxes say.
    private const string Faults = """
        () => {
          const faults = [];
          const room = document.documentElement;
          if (room.scrollWidth > room.clientWidth) faults.push(`the page is ${room.scrollWidth} pixels wide`);
          const light = colour => {
            const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map(c => c / 255)
              .map(c => c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const paper = light(getComputedStyle(document.body).backgroundColor);
          for (const element of document.querySelectorAll('h1, h2, p, caption, th, td, dt, dd, figcaption')) {
            if (element.textContent.length === 0) continue;
            const box = element.getBoundingClientRect(), ink = light(getComputedStyle(element).color);
            const what = `'${element.textContent.slice(0, 40)}'`;
            if (box.width < 1 || box.height < 1) faults.push(`${what} cannot be seen`);
            if (!element.closest('.wide') && (box.left < 0 || box.right > room.clientWidth)) faults.push(`${what} goes beyond the page`);
            if ((Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 4.5) faults.push(`${what} is faint`);
          }
          [...document.querySelectorAll('figure svg')].filter(svg => !svg.ownerSVGElement).forEach((svg, number) => {
            const frame = svg.getBoundingClientRect(), scale = frame.width / svg.viewBox.baseVal.width;
            if (12 * scale < 8) faults.push(`figure ${number + 1} is drawn at ${scale.toFixed(2)} of its size`);
            const texts = [...svg.querySelectorAll('text')].map(text => ({ name: text.textContent, box: text.getBoundingClientRect() }));
            const one = scale;    // a pixel of the drawing
            texts.forEach((text, i) => {
              if (text.box.left < frame.left - one || text.box.right > frame.right + one || text.box.top < frame.top - one
                || text.box.bottom > frame.bottom + one) faults.push(`figure ${number + 1}: '${text.name}' is cut`);
              for (const other of texts.slice(0, i))
                if (Math.min(text.box.right, other.box.right) - Math.max(text.box.left, other.box.left) > one
                  && Math.min(text.box.bottom, other.box.bottom) - Math.max(text.box.top, other.box.top) > 3 * one)
                  faults.push(`figure ${number + 1}: '${text.name}' and '${other.name}' overlap`);
            });
          });
          return faults;
        }
        """;

    /// <summary>
    /// Fails if the page has a fault, or tells the browser of an error. Without a browser it checks nothing; <see cref="PageTests"/> are
    /// then skipped, with the reason.
    /// </summary>
    /// <param name="path">The page.</param>
    public async Task Check(string path)
    {
        if (HeadlessBrowser.Program is null) return;
        foreach (var (width, dark) in ((int, bool)[])[(HeadlessBrowser.Phone, true), (HeadlessBrowser.Desktop, false)])
        {
            await using var page = await (await browser.Value).Open(width, dark);
            List<string> faults = [];
            page.Console += (_, said) =>
            {
                if (said.Message.Type == ConsoleType.Error) faults.Add(said.Message.Text);
            };
            page.PageError += (_, failed) => faults.Add(failed.Message);
            await page.GoToAsync(new Uri(Path.GetFullPath(path)).AbsoluteUri);
            faults.AddRange(await page.EvaluateFunctionAsync<string[]>(Faults));
            await page.EmulateMediaTypeAsync(MediaType.Print);
            string paper = await page.EvaluateExpressionAsync<string>("getComputedStyle(document.body).backgroundColor");
            if (paper != "rgb(255, 255, 255)") faults.Add($"it is printed on {paper}");
            Assert.True(faults.Count == 0, $"{path}, {width} pixels wide{(dark ? ", dark" : "")}:\n{string.Join("\n", faults.Take(30))}");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (browser.IsValueCreated) await (await browser.Value).DisposeAsync();
    }
}
