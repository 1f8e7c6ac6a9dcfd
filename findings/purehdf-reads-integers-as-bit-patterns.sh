#!/usr/bin/env bash
# Package:  PureHDF 2.2.0
# Did:      Wrote the integers 1, 2, 3 as 32-bit and the same as doubles, and read the first as float[], the second as
#           long[] and as float[].
# Expected: 1, 2, 3: the HDF5 library converts between numeric types when it reads, and the formats on it (NetCDF-4)
#           count on that.
# Observed: Types of equal size are reinterpreted without a word (1.4E-45, ...; 4607182418800017408, ...); types of
#           different size are refused by an exception.
# Printed:
#     int32 read as float:  1E-45 3E-45 4E-45
#     double read as int64: 4607182418800017408 4611686018427387904 4613937818241073152
#     double read as float: Unable to decode values types of different type size.
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
    <PackageReference Include="PureHDF" Version="2.2.0" />
  </ItemGroup>
</Project>
END
cat > "$folder/Program.cs" <<'END'
using PureHDF;

var path = Path.Combine(AppContext.BaseDirectory, "numbers.h5");
new H5File { ["integers"] = new[] { 1, 2, 3 }, ["doubles"] = new[] { 1.0, 2.0, 3.0 } }.Write(path);
using var file = H5File.OpenRead(path);
var floats = file.Dataset("integers").Read<float[]>();
var longs = file.Dataset("doubles").Read<long[]>();
Console.WriteLine($"int32 read as float:  {string.Join(" ", floats)}");
Console.WriteLine($"double read as int64: {string.Join(" ", longs)}");
try
{
    Console.WriteLine($"double read as float: {string.Join(" ", file.Dataset("doubles").Read<float[]>())}");
}
catch (Exception failure)
{
    Console.WriteLine($"double read as float: {failure.Message}");
}
return BitConverter.SingleToInt32Bits(floats[2]) == 3 && longs[0] == BitConverter.DoubleToInt64Bits(1) ? 0 : 1;
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
