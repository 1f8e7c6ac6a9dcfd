#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Called t.sum(0), t.sum(1) and t.sum(0L) on a 2 x 3 tensor of ones times 200.
# Expected: Sums along dimension 0 and 1, as in PyTorch.
# Observed: t.sum(1) is along dimension 1, but t.sum(0) is a Byte scalar, the sum of all elements modulo 256: C#
#           converts the literal 0, and no other integer, to an enumeration, and the overload sum(ScalarType) wins.
#           t.prod(0) does the same.
# Printed:
#     sum(0)   Byte []: 176
#     sum(1)   Float32 [2]: 600 600
#     sum(0L)  Float32 [3]: 400 400 400
# Exit:     0 as observed; 1 changed; 77 not tried (no .NET 10 SDK, packages not restored, not Linux x64, or
#           TorchSharp does not load).
set -euo pipefail
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "not tried: not Linux x64."; exit 77; }
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
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <SelfContained>false</SelfContained>
    <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="TorchSharp" Version="0.107.0" />
    <PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />
  </ItemGroup>
</Project>
END
cat > "$folder/Program.cs" <<'END'
using TorchSharp;
using static TorchSharp.torch;

try
{
    zeros(1).Dispose();
}
catch (Exception failure)
{
    Console.WriteLine($"not tried: TorchSharp does not load here ({failure.GetType().Name}).");
    return 77;
}

var t = full(2, 3, 200f);
var literal = t.sum(0);
Show("sum(0)", literal);
Show("sum(1)", t.sum(1));
Show("sum(0L)", t.sum(0L));
return literal.dtype == ScalarType.Byte && literal.dim() == 0 && literal.item<byte>() == 1200 % 256 && t.sum(0L).dim() == 1 ? 0 : 1;

static void Show(string call, Tensor t) =>
    Console.WriteLine($"{call,-8} {t.dtype} [{string.Join(" ", t.shape)}]: {string.Join(" ", t.to(float64).data<double>().ToArray())}");
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
