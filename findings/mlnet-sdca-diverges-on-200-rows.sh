#!/usr/bin/env bash
# Package:  Microsoft.ML 5.0.1
# Did:      Fitted Regression.Trainers.Sdca() with its defaults to y = 1 + 2a - b + c/2 without noise, three features
#           between -1 and 1, for 100, 200 and 500 rows and four seeds of the context.
# Expected: R2 near 1 on the training rows for each: the problem is convex and exactly linear.
# Observed: Near 1 for 100 and for 500 rows; for 200 rows R2 is between -100 and -3,000, without an exception or a
#           warning. One thread or many makes no difference.
# Printed:
#     100 rows: R2 0.99979, 0.99988, 0.99958, 0.99977
#     200 rows: R2 -316.05, -146.46, -2218.5, -304.03
#     500 rows: R2 1, 1, 1, 1
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

var worst = new Dictionary<int, double>();
foreach (var count in new[] { 100, 200, 500 })
{
    var random = new Random(1);
    var rows = Enumerable.Range(0, count).Select(_ => Row.Draw(random)).ToArray();
    var scores = Enumerable.Range(0, 4).Select(seed =>
    {
        var context = new MLContext(seed);
        var data = context.Data.LoadFromEnumerable(rows);
        var model = context.Regression.Trainers.Sdca().Fit(data);
        return context.Regression.Evaluate(model.Transform(data)).RSquared;
    }).ToArray();
    worst[count] = scores.Min();
    Console.WriteLine($"{count} rows: R2 {string.Join(", ", scores.Select(score => score.ToString("G5")))}");
}
return worst[100] > 0.99 && worst[500] > 0.99 && worst[200] < 0 ? 0 : 1;

public class Row
{
    [VectorType(3)] public float[] Features = [];
    public float Label;

    public static Row Draw(Random random)
    {
        var x = Enumerable.Range(0, 3).Select(_ => (float)(2 * random.NextDouble() - 1)).ToArray();
        return new() { Features = x, Label = 1 + 2 * x[0] - x[1] + 0.5f * x[2] };
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
