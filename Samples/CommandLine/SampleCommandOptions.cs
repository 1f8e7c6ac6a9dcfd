using System.Collections.ObjectModel;
using System.CommandLine;
using System.Globalization;

namespace DaML.Samples;

/// <summary>The options of a sample's command: those that mean something for it, with their checks.</summary>
internal sealed class SampleCommandOptions
{
    private readonly ISample sample;
    private readonly Option<string> device = new("--device")
    {
        CompletionSources = { "cpu", "cuda" },
        Description = "Where to compute: cpu, cuda or cuda:N.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "cpu",
    };
    private readonly Option<long> seed = new("--seed")
    {
        Description = "The seed of all random numbers; the same seed gives the same result on the same device.",
        HelpName = "NUMBER",
        DefaultValueFactory = _ => 1,
        CustomParser = result =>
        {
            if (long.TryParse(result.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value))
                return value;
            result.AddError($"--seed must be a whole number; given: '{result.Tokens[0].Value}'.");
            return 0;
        },
    };
    private readonly Option<double?>? minutes;
    private readonly Option<string> output;
    private readonly Option<string?> json = new("--json")
        { Description = "Also write settings and measured figures to this file as JSON.", HelpName = "FILE" };
    private readonly Option<bool> profile = new("--profile")
        { Description = "Also show the time and the managed memory of each phase, and the peak resident memory." };
    private readonly Option<bool> quiet = new("--quiet") { Description = "Show only results and errors: no progress, no list of files." };
    private readonly Option<bool>? quick, full, resume;
    private readonly IReadOnlyList<(Option<string?> Option, bool ValueOptional)> own;

    public SampleCommandOptions(ISample sample)
    {
        this.sample = sample;
        output = new Option<string>("--out")
        {
            Description = "The folder for model, figures and page; it is made if it is missing.",
            HelpName = "FOLDER",
            DefaultValueFactory = _ => Path.Combine("daml-out", sample.Name),
        };
        own = [.. sample.Settings.Select(setting => (new Option<string?>(setting.Name)
        {
            Description = setting.Description, HelpName = setting.HelpName, Arity = setting.ValueOptional ? ArgumentArity.ZeroOrOne
                : ArgumentArity.ExactlyOne,
        }, setting.ValueOptional))];
        if (sample.TrainingMinutes is { } usual)
        {
            minutes = new Option<double?>("--minutes")
            {
                Description = "How long to train at most." +
                    (sample.FullTrainingMinutes is { } full && full != usual
                        ? $" The default with --full is {full.ToString(CultureInfo.InvariantCulture)}." : ""),
                HelpName = "MINUTES",
                DefaultValueFactory = _ => usual,
                CustomParser = result =>
                {
                    string given = result.Tokens[0].Value;
                    if (double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
                        && value > 0 && value <= 100_000) return value;
                    result.AddError($"--minutes must be a number above 0 and at most 100000; given: '{given}'.");
                    return null;
                },
            };
            resume = new Option<bool>("--resume")
                { Description = "Continue the training of an earlier run that was stopped, in the same folder and with the same seed." };
        }
        if (sample.Sizes.Count > 1)
        {
            quick = new Option<bool>("--quick") { Description = "Minutes on two processor cores (the default)." };
            full = new Option<bool>("--full") { Description = "The publication's settings; usually wants a GPU." };
        }
    }

    public void AddTo(Command command)
    {
        foreach (var option in (Option?[])[quick, full, device, seed, minutes, resume, output, json, quiet, profile])
            if (option is not null) command.Add(option);
        foreach (var (option, _) in own) command.Add(option);
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="SampleException">Two options contradict each other, or a path is empty.</exception>
    public SampleOptions Read(ParseResult parsed)
    {
        bool askedQuick = quick is not null && parsed.GetValue(quick), askedFull = full is not null && parsed.GetValue(full);
        if (askedQuick && askedFull) throw new SampleException("--quick and --full exclude each other; give one of them.");
        return new SampleOptions
        {
            Device = parsed.GetValue(device)!,
            Seed = parsed.GetValue(seed),
            Minutes = minutes is null ? null : askedFull && parsed.GetResult(minutes) is null or { Implicit: true }
                ? sample.FullTrainingMinutes : parsed.GetValue(minutes),
            Resume = resume is not null && parsed.GetValue(resume),
            Size = askedFull ? SampleSize.Full : askedQuick ? SampleSize.Quick : sample.Sizes[0],
            OutputFolder = NotEmpty(parsed.GetValue(output)!, "--out"),
            Quiet = parsed.GetValue(quiet),
            Profile = parsed.GetValue(profile),
            JsonFile = parsed.GetValue(json) is { } file ? NotEmpty(file, "--json") : null,
            Settings = own.Where(one => parsed.GetResult(one.Option) is { Implicit: false }).ToList() is { Count: > 0 } given
                ? given.ToDictionary(one => one.Option.Name,
                one => one.ValueOptional && parsed.GetValue(one.Option) is null ? ""
                : NotEmpty(parsed.GetValue(one.Option) ?? "", one.Option.Name)) : ReadOnlyDictionary<string, string>.Empty,
        };
    }

    private static string NotEmpty(string path, string option) =>
        string.IsNullOrWhiteSpace(path) ? throw new SampleException($"{option} needs a value; an empty one was given.") : path;
}
