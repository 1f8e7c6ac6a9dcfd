#!/usr/bin/env bash
# Package:  Microsoft.ML 5.0.1
# Did:      Read all rows of TakeRows and of ShuffleRows over a data view that counts the cursors it opens and those
#           that are disposed, and disposed the cursor they were read by.
# Expected: Each cursor that a transformation opens is disposed with the transformation's own: cursors are IDisposable
#           and may hold a file or a connection.
# Observed: TakeRows disposes its input's cursor. ShuffleRows reads its input to the end and never disposes the cursor.
# Printed:
#     TakeRows     10 rows, cursors of the input opened 1, disposed 1
#     ShuffleRows  10 rows, cursors of the input opened 1, disposed 0
# Exit:     0 as observed; 1 changed; 77 not tried (no .NET 10 SDK, packages not restored).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/finding.csproj" <<'END'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <UseAppHost>false</UseAppHost>
    <InvariantGlobalization>true</InvariantGlobalization>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.ML" Version="5.0.1" />
  </ItemGroup>
</Project>
END
cat > "$folder/Program.cs" <<'END'
using Microsoft.ML;
using Microsoft.ML.Data;

var context = new MLContext(seed: 1);
var rows = Enumerable.Range(0, 10).Select(i => new Row { Value = i }).ToArray();

(int Rows, int Opened, int Disposed) Read(Func<IDataView, IDataView> transform, string name)
{
    var watched = new WatchedView(context.Data.LoadFromEnumerable(rows));
    var view = transform(watched);
    var seen = new List<float>();
    using (var cursor = view.GetRowCursor(view.Schema))
    {
        var value = cursor.GetGetter<float>(view.Schema["Value"]);
        while (cursor.MoveNext())
        {
            float read = 0;
            value(ref read);
            seen.Add(read);
        }
    }
    int distinct = seen.Distinct().Count();
    Console.WriteLine($"{name,-12} {distinct} rows, cursors of the input opened {watched.Opened}, disposed {watched.Disposed}");
    return (distinct, watched.Opened, watched.Disposed);
}

var taken = Read(view => context.Data.TakeRows(view, 10), "TakeRows");
var shuffled = Read(view => context.Data.ShuffleRows(view, seed: 2), "ShuffleRows");
return taken == (10, 1, 1) && shuffled == (10, 1, 0) ? 0 : 1;

class Row
{
    public float Value { get; set; }
}

// A data view that hands on another's rows and counts cursors.
class WatchedView(IDataView inner) : IDataView
{
    public int Opened, Disposed;

    public bool CanShuffle => false;

    public DataViewSchema Schema => inner.Schema;

    public long? GetRowCount() => inner.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columns, Random? random = null)
    {
        Interlocked.Increment(ref Opened);
        return new WatchedCursor(this, inner.GetRowCursor(columns));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columns, int count, Random? random = null) =>
        [GetRowCursor(columns, random)];

    class WatchedCursor(WatchedView view, DataViewRowCursor cursor) : DataViewRowCursor
    {
        private bool disposed;

        public override DataViewSchema Schema => cursor.Schema;

        public override long Position => cursor.Position;

        public override long Batch => cursor.Batch;

        public override bool MoveNext() => cursor.MoveNext();

        public override bool IsColumnActive(DataViewSchema.Column column) => cursor.IsColumnActive(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => cursor.GetIdGetter();

        public override ValueGetter<T> GetGetter<T>(DataViewSchema.Column column) => cursor.GetGetter<T>(column);

        protected override void Dispose(bool disposing)
        {
            if (!disposed) Interlocked.Increment(ref view.Disposed);
            disposed = true;
            cursor.Dispose();
            base.Dispose(disposing);
        }
    }
}
END
if ! dotnet build "$folder" -o "$folder/out" -nologo -v q > "$folder/log" 2>&1; then
  tail -3 "$folder/log"
  echo "not tried: the program did not build."
  exit 77
fi
code=0
dotnet "$folder/out/finding.dll" || code=$?
case $code in
  0) echo "as observed" ;;
  77) ;;
  *) echo "changed: no longer as this file's head says" >&2 ;;
esac
exit $code
