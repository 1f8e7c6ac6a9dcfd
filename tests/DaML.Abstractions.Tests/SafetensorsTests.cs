using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The safetensors reader and writer: to the bit, with independent readers and writers, and against hostile input.</summary>
public sealed class SafetensorsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("daml-safetensors-").FullName;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    public static TheoryData<ScalarType> Types =>
    [
        ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
        ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
    ];

    private static byte[] BytesOf(Tensor t)
    {
        using var stream = new MemoryStream();
        t.detach().cpu().contiguous().WriteBytesToStream(stream);
        return stream.ToArray();
    }

    private static Tensor Some(ScalarType type, params long[] shape) =>
        type == ScalarType.Bool ? randn(shape) > 0 : (randn(shape) * 50).to(type);

    [Theory]
    [MemberData(nameof(Types))]
    public void What_was_written_comes_back_to_the_bit(ScalarType type)
    {
        manual_seed(3);
        var tensors = new Dictionary<string, Tensor>
        {
            ["matrix"] = Some(type, 3, 5),
            ["number"] = Some(type),
            ["empty"] = Some(type, 4, 0, 2),
            ["transposed"] = Some(type, 3, 4).t(),
            ["slice"] = Some(type, 10)[2..7],
            ["ünïcödé.0.weight"] = Some(type, 7),
        };
        using var stream = new MemoryStream();
        Safetensors.Write(stream, tensors, new Dictionary<string, string> { ["format"] = "pt", ["note"] = "\"quoted\" ✓" });
        stream.Position = 0;
        var (read, metadata) = Safetensors.Read(stream);

        Assert.Equal("\"quoted\" ✓", metadata["note"]);
        Assert.Equal(tensors.Keys.Order(), read.Keys.Order());
        foreach (var (name, t) in tensors)
        {
            Assert.Equal(t.dtype, read[name].dtype);
            Assert.Equal(t.shape, read[name].shape);
            Assert.Equal(BytesOf(t), BytesOf(read[name]));
        }
    }

    [Fact]
    public void Special_numbers_keep_their_bits()
    {
        var bits = new[] { 0x7FC00001, unchecked((int)0xFF800000), 1, unchecked((int)0x80000000) };
        var t = tensor(bits).view(4).contiguous();
        var floats = zeros(4);
        bits.SelectMany(BitConverter.GetBytes).ToArray().CopyTo(floats.bytes);
        using var stream = new MemoryStream();
        Safetensors.Write(stream, new Dictionary<string, Tensor> { ["x"] = floats });
        stream.Position = 0;
        Assert.Equal(BytesOf(t), BytesOf(Safetensors.Read(stream).Tensors["x"]));
    }

    [Fact]
    public void Data_are_aligned_and_independent_of_the_order_given()
    {
        var a = new Dictionary<string, Tensor>
            { ["b"] = ones(3), ["a"] = ones([1], dtype: ScalarType.Bool), ["c"] = ones([2], dtype: ScalarType.Float64) };
        var b = a.Reverse().ToDictionary(e => e.Key, e => e.Value);
        using var first = new MemoryStream();
        using var second = new MemoryStream();
        Safetensors.Write(first, a);
        Safetensors.Write(second, b);
        Assert.Equal(first.ToArray(), second.ToArray());
        Assert.Equal(0, (8 + BinaryPrimitives.ReadInt64LittleEndian(first.ToArray())) % 8);
    }

    [Fact]
    public void Parameters_with_gradients_are_written_as_their_values()
    {
        var p = nn.Parameter(randn(2, 2));
        using var stream = new MemoryStream();
        Safetensors.Write(stream, new Dictionary<string, Tensor> { ["p"] = p });
        stream.Position = 0;
        var read = Safetensors.Read(stream).Tensors["p"];
        Assert.False(read.requires_grad);
        Assert.True(read.equal(p.detach()).all().ToBoolean());
    }

    [Fact]
    public void A_file_is_replaced_whole_or_not_at_all()
    {
        var path = Path.Combine(folder, "below", "weights.safetensors");
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["x"] = ones(3) });
        Assert.Throws<ArgumentException>(() =>
            Safetensors.Write(path, new Dictionary<string, Tensor> { ["x"] = zeros([3], dtype: ScalarType.ComplexFloat32) }));
        Assert.Equal([1f, 1f, 1f], Safetensors.Read(path).Tensors["x"].data<float>().ToArray());
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void A_stream_that_cannot_seek_is_read_too()
    {
        var big = randn(3, 200_000);
        using var stream = new MemoryStream();
        Safetensors.Write(stream, new Dictionary<string, Tensor> { ["big"] = big, ["small"] = ones(2) });
        var read = Safetensors.Read(new OneWay(stream.ToArray())).Tensors;
        Assert.Equal(BytesOf(big), BytesOf(read["big"]));
        var cut = stream.ToArray()[..^1];
        Assert.Contains("small", Refusal(() => Safetensors.Read(new OneWay(cut))));
        Assert.Contains("follow", Refusal(() => Safetensors.Read(new OneWay([.. stream.ToArray(), 0]))));
    }

    // ---- others' readers and writers ----

    [Fact]
    public void An_independent_writers_file_is_read()
    {
        // Written out by hand: unsorted names, spaces, an escaped name, offsets out of the order of the header.
        const string header =
            """{ "__metadata__":{"a":"b"}, "w\u0031": {"shape":[2, 2],"data_offsets":[3,19],"dtype":"F32"} ,""" +
            """ "flags":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""";
        byte[] data = [1, 0, 1, .. new[] { 1.5f, -2f, 3f, 0.25f }.SelectMany(BitConverter.GetBytes)];
        var (tensors, metadata) = Safetensors.Read(new MemoryStream(Whole(header + "   ", data)));
        Assert.Equal("b", metadata["a"]);
        Assert.Equal([1.5f, -2f, 3f, 0.25f], tensors["w1"].data<float>().ToArray());
        Assert.Equal([2, 2], tensors["w1"].shape);
        Assert.Equal([true, false, true], tensors["flags"].data<bool>().ToArray());
    }

    private const string Script = """
        import json, struct, sys
        def read(path):
            raw = open(path, 'rb').read()
            n, = struct.unpack('<Q', raw[:8])
            head = json.loads(raw[8:8 + n].decode('utf-8'))
            meta = head.pop('__metadata__', {})
            data = raw[8 + n:]
            code = {'F64': 'd', 'F32': 'f', 'F16': 'e', 'I64': 'q', 'I32': 'i', 'I16': 'h', 'I8': 'b', 'U8': 'B', 'BOOL': '?'}
            out = {}
            for k, v in head.items():
                b, e = v['data_offsets']
                count = 1
                for s in v['shape']: count *= s
                out[k] = (v['dtype'], v['shape'], list(struct.unpack('<%d%s' % (count, code[v['dtype']]), data[b:e])))
            return out, meta
        tensors, meta = read(sys.argv[1])
        assert meta == {'who': 'us'}, meta
        assert tensors['f64'] == ('F64', [2, 2], [1.0, -0.5, 3.25, 1e300]), tensors['f64']
        assert tensors['f16'] == ('F16', [2], [0.5, -2.0]), tensors['f16']
        assert tensors['i64'] == ('I64', [], [-(2 ** 62)]), tensors['i64']
        assert tensors['bool'] == ('BOOL', [3], [True, False, True]), tensors['bool']
        # and a file of its own, doubled
        head, data = {'__metadata__': {'who': 'python'}}, b''
        values = [2 * x for x in tensors['f64'][2][:3]]
        data = struct.pack('<3d', *values)
        head['doubled'] = {'dtype': 'F64', 'shape': [3, 1], 'data_offsets': [0, len(data)]}
        text = json.dumps(head).encode('utf-8')
        open(sys.argv[2], 'wb').write(struct.pack('<Q', len(text)) + text + data)
        """;

    [Fact]
    public void Python_reads_ours_and_we_read_its()
    {
        var python = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Select(p => Path.Combine(p, "python3"))
            .FirstOrDefault(File.Exists);
        if (python is null) return; // the hand-written file above stands in for it
        string ours = Path.Combine(folder, "ours.safetensors"), theirs = Path.Combine(folder, "theirs.safetensors"),
            script = Path.Combine(folder, "check.py");
        File.WriteAllText(script, Script);
        Safetensors.Write(ours, new Dictionary<string, Tensor>
        {
            ["f64"] = tensor([1.0, -0.5, 3.25, 1e300]).view(2, 2),
            ["f16"] = tensor([0.5f, -2f]).half(),
            ["i64"] = tensor(-(1L << 62)),
            ["bool"] = tensor([true, false, true]),
        }, new Dictionary<string, string> { ["who"] = "us" });
        using var process = Process.Start(new ProcessStartInfo(python, [script, ours, theirs]) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        var (tensors, metadata) = Safetensors.Read(theirs);
        Assert.Equal("python", metadata["who"]);
        Assert.Equal([3, 1], tensors["doubled"].shape);
        Assert.Equal([2.0, -1.0, 6.5], tensors["doubled"].data<double>().ToArray());
    }

    // ---- hostile input ----

    private static byte[] Whole(string header, byte[] data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data];
    }

    private static string Refusal(Action read) => Assert.Throws<InvalidDataException>(read).Message;

    private static string Refusal(string header, int dataBytes) =>
        Refusal(() => Safetensors.Read(new MemoryStream(Whole(header, new byte[dataBytes]))));

    public static TheoryData<string, int, string[]> Hostile => new()
    {
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, ["a"] },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12,
            ["'b'", "4", "'a'"] },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}""", 20,
            ["'b'", "8 to 12"] },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 16, ["'a'", "0 to 8"] },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, ["Truncated", "'a'", "8 bytes", "7"] },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, ["1 bytes follow"] },
        { """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, ["'a'", "12 bytes", "[0, 8]"] },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, ["'a'", "before"] },
        { """{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, ["'a'", "-2", "shape"] },
        { """{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", 8, ["'a'", "2.0"] },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551624]}}""", 8, ["'a'", "data_offsets"] },
        { """{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, ["'a'", "counted"] },
        { """{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""", 0, ["'a'", "counted"] },
        { """{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}""", 8, ["Truncated", "'a'"] },
        { """{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 8, ["'a'", "'C64'", "F32"] },
        { """{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1],"extra":1}}""", 1, ["'a'", "'extra'"] },
        { """{"a":{"shape":[1],"data_offsets":[0,1]}}""", 1, ["'a'", "dtype"] },
        { """{"a":{"dtype":"U8","data_offsets":[0,1]}}""", 1, ["'a'", "shape"] },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}""", 1, ["'a'", "two data_offsets"] },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", 1, ["'a'", "data_offsets"] },
        { """{"a":[1]}""", 0, ["'a'", "object"] },
        { """{"__metadata__":{"x":1}}""", 0, ["__metadata__.x"] },
        { """{"__metadata__":7}""", 0, ["__metadata__"] },
        { """{"a":{"dtype":"U8","shape":[[[[[[[[[[1]]]]]]]]]],"data_offsets":[0,1]}}""", 1, ["depth"] },
        { """{"a":""", 0, ["JSON"] },
        { """{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, ["header"] },
        { """[]""", 0, ["'{'"] },
        { "", 0, ["'{'"] },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void A_header_that_lies_is_refused_by_name(string header, int dataBytes, string[] said)
    {
        var message = Refusal(header, dataBytes);
        foreach (var part in said) Assert.Contains(part, message);
    }

    [Fact]
    public void A_header_length_beyond_the_stream_or_the_limit_is_refused_before_it_is_read()
    {
        byte[] Length(ulong n) { var b = new byte[8]; BinaryPrimitives.WriteUInt64LittleEndian(b, n); return b; }
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("99999999", Refusal(() => Safetensors.Read(new MemoryStream([.. Length(99_999_999), .. "{}"u8]))));
        Assert.Contains("99999999", Refusal(() => Safetensors.Read(new OneWay([.. Length(99_999_999), .. "{}"u8]))));
        Assert.Contains("100000000", Refusal(() => Safetensors.Read(new MemoryStream(Length(100_000_001)))));
        Assert.Contains("18446744073709551615", Refusal(() => Safetensors.Read(new MemoryStream(Length(ulong.MaxValue)))));
        Assert.Contains("8 bytes", Refusal(() => Safetensors.Read(new MemoryStream([1, 2, 3]))));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 8 << 20);
    }

    [Fact]
    public void A_declared_size_costs_no_memory_even_where_the_stream_cannot_tell_its_length()
    {
        const string header = """{"a":{"dtype":"F64","shape":[1000000000],"data_offsets":[0,8000000000]}}""";
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("Truncated", Refusal(() => Safetensors.Read(new OneWay(Whole(header, new byte[100])))));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 8 << 20);
    }

    [Fact]
    public void A_truth_value_that_is_neither_is_refused() =>
        Assert.Contains("2",
            Refusal(() =>
                Safetensors.Read(new MemoryStream(Whole("""{"a":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""", [1, 0, 2])))));

    [Fact]
    public void Every_truncation_and_every_flipped_byte_is_refused_or_read_and_never_worse()
    {
        using var stream = new MemoryStream();
        Safetensors.Write(stream, new Dictionary<string, Tensor> { ["a"] = ones(2), ["b"] = ones([3], dtype: ScalarType.Bool) });
        var good = stream.ToArray();
        for (var n = 0; n < good.Length; n++) Refusal(() => Safetensors.Read(new MemoryStream(good[..n])));
        var random = new Random(1);
        for (var n = 0; n < 3000; n++)
        {
            using var inner = NewDisposeScope();
            var bad = (byte[])good.Clone();
            for (var k = random.Next(1, 4); k > 0; k--) bad[random.Next(bad.Length)] = (byte)random.Next(256);
            try
            {
                Safetensors.Read(new MemoryStream(bad));
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Fact]
    public void What_fails_half_way_leaves_no_tensors_behind()
    {
        var bytes = Whole("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[2,3]}}""",
            [1, 2, 9]);
        using var inner = NewDisposeScope();
        Refusal(() => Safetensors.Read(new MemoryStream(bytes)));
        Assert.Equal(0, inner.DisposablesCount);
    }

    [Fact]
    public void What_the_format_does_not_have_is_refused_when_written()
    {
        using var stream = new MemoryStream();
        Assert.Contains("'z'",
            Assert.Throws<ArgumentException>(() =>
                Safetensors.Write(stream,
                    new Dictionary<string, Tensor> { ["z"] = zeros([1], dtype: ScalarType.ComplexFloat64) })).Message);
        Assert.Throws<ArgumentException>(() => Safetensors.Write(stream, new Dictionary<string, Tensor> { ["__metadata__"] = zeros(1) }));
        Assert.Equal(0, stream.Length);
    }

    /// <summary>A stream as a network gives it: it cannot seek, and hands out a little at a time.</summary>
    private sealed class OneWay(byte[] content) : Stream
    {
        private int at;

        public override int Read(byte[] buffer, int offset, int count)
        {
            var n = Math.Min(Math.Min(count, 777), content.Length - at);
            Array.Copy(content, at, buffer, offset, n);
            at += n;
            return n;
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
