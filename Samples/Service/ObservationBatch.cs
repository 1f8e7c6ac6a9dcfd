using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace DaML.Samples.Service;

/// <summary>The observations of one time, as a sender gives them.</summary>
/// <param name="Id">The sender's name for the batch; the same name is the same batch.</param>
/// <param name="Time">The time, in the model's unit.</param>
/// <param name="Values">The observations; null = missing.</param>
internal sealed record ObservationBatch(string Id, double Time, double?[] Values)
{
    private const int LongestId = 128;

    /// <summary>Reads a batch: <c>{ "id": "a-17", "time": 0.05, "values": [1.2, null, 0.3] }</c>.</summary>
    /// <param name="json">The text, one JSON object of exactly these three.</param>
    /// <param name="defaultId">The id of a batch that has none (default: null, an id is needed).</param>
    /// <exception cref="MalformedBatchException">The text is something else; the message says what was given and what is
    /// needed.</exception>
    public static ObservationBatch Read(ReadOnlyMemory<byte> json, string? defaultId = null)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            return Read(document.RootElement, defaultId);
        }
        catch (JsonException broken)
        {
            throw new MalformedBatchException(
                $"The batch must be one JSON object with \"id\", \"time\" and \"values\"; this is not JSON: {broken.Message}");
        }
    }

    private static ObservationBatch Read(JsonElement json, string? defaultId)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new MalformedBatchException(
                $"The batch must be a JSON object with \"id\", \"time\" and \"values\"; given: {Kind(json)}.");
        foreach (var property in json.EnumerateObject())
            if (property.Name is not ("id" or "time" or "values"))
                throw new MalformedBatchException(
                    $"A batch has \"id\", \"time\" and \"values\"; given too: \"{Shortened(property.Name)}\".");
        string id = defaultId ?? "";
        if (json.TryGetProperty("id", out var named))
            id = named.ValueKind == JsonValueKind.String ? named.GetString()!
                : throw new MalformedBatchException($"\"id\" must be a text; given: {Kind(named)}.");
        else if (defaultId is null)
            throw new MalformedBatchException($"\"id\" must be a text of 1 to {LongestId} characters; given: nothing.");
        if (id.Length is 0 or > LongestId || id.Any(char.IsControl))
            throw new MalformedBatchException(
                $"\"id\" must be a text of 1 to {LongestId} characters without control characters; given: {id.Length} characters.");
        if (!json.TryGetProperty("time", out var time) || !Number(time, out double at))
            throw new MalformedBatchException(
                $"\"time\" must be a finite number, the time in the model's unit; given: {Kind(time)}.");
        if (!json.TryGetProperty("values", out var values) || values.ValueKind != JsonValueKind.Array)
            throw new MalformedBatchException(
                $"\"values\" must be a list of numbers, null for a missing one; given: {Kind(values)}.");
        var numbers = new double?[values.GetArrayLength()];
        int place = 0;
        foreach (var value in values.EnumerateArray())
        {
            if (value.ValueKind != JsonValueKind.Null)
                numbers[place] = Number(value, out double number) ? number
                    : throw new MalformedBatchException(
                        $"\"values\"[{place}] must be a finite number, or null if missing; given: {Kind(value)}.");
            place++;
        }
        return new ObservationBatch(id, at, numbers);
    }

    /// <summary>The values as a session takes them; NaN = missing.</summary>
    public double[] WithNaN() => [.. Values.Select(value => value ?? double.NaN)];

    /// <summary>A short text that two batches share only if they have the same time and values.</summary>
    public string Fingerprint()
    {
        byte[] bytes = new byte[8 * (Values.Length + 1)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, Time);
        for (int i = 0; i < Values.Length; i++)
            BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(8 * (i + 1)), Values[i] ?? double.NaN);
        return Convert.ToHexString(SHA256.HashData(bytes).AsSpan(0, 12));
    }

    private static bool Number(JsonElement json, out double number)
    {
        number = 0;
        return json.ValueKind == JsonValueKind.Number && json.TryGetDouble(out number) && double.IsFinite(number);
    }

    private static string Kind(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Undefined => "nothing",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.Null => "null",
        _ => Shortened(json.GetRawText()),
    };

    private static string Shortened(string text) => text.Length > 40 ? text[..40] + "..." : text;
}

/// <summary>A batch of observations that cannot be read, or does not fit its session.</summary>
/// <param name="message">What was given, what is needed, and where.</param>
internal sealed class MalformedBatchException(string message) : Exception(message);
