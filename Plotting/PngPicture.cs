using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace DaML.Plotting;

/// <summary>A figure could not be made into pixels; the message says why and what to install.</summary>
public sealed class PictureException(string message) : Exception(message);

/// <summary>
/// Makes an SVG into pixels with rsvg-convert, the program of librsvg (docs/figures.md says why a program and not a package).
/// </summary>
internal static class PngPicture
{
    /// <summary>Writes the PNG.</summary>
    /// <param name="svg">The drawing.</param>
    /// <param name="path">The file.</param>
    /// <param name="scale">Pixels for each of the drawing's.</param>
    /// <param name="program">The program.</param>
    public static void Write(string svg, string path, double scale, string program = "rsvg-convert")
    {
        string zoom = Require.Positive(scale).ToString(CultureInfo.InvariantCulture);
        AtomicFile.WriteAt(path, beside =>
        {
            var start = new ProcessStartInfo(program, ["--format=png", $"--zoom={zoom}", $"--output={beside}"])
                { RedirectStandardInput = true, StandardInputEncoding = new UTF8Encoding(false), RedirectStandardError = true };
            try
            {
                using var process = Process.Start(start)!;
                var errors = process.StandardError.ReadToEndAsync();
                try
                {
                    using var input = process.StandardInput;
                    input.Write(svg);
                }
                catch (IOException) { }    // it ended before it had read all; its own message says why
                process.WaitForExit();
                if (process.ExitCode != 0)
                    throw new PictureException(
                        $"{program} could not write '{path}' (exit code {process.ExitCode}): {errors.Result.Trim()}");
            }
            catch (Win32Exception)
            {
                throw new PictureException(
                    $"'{path}' cannot be written: figures become PNG by the program {program}, which is not on the PATH. Install it " +
                    "(Debian and Ubuntu: apt-get install librsvg2-bin; Fedora: librsvg2-tools; macOS: brew install librsvg), or write " +
                    ".svg, which needs nothing.");
            }
        });
    }
}
