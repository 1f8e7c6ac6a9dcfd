#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Called input.baddbmm(batch1, batch2, beta, alpha) on one 2 x 2 matrix.
# Expected: beta input + alpha (batch1 @ batch2), as PyTorch documents and as addmm of the same package computes.
# Observed: beta batch2 + alpha (input @ batch1): each operand has moved by one place. Nothing fails, since the shapes
#           agree.
# Printed:
#     baddbmm     405 606 407 608
#     documented  119 122 143 150
#     shifted     405 606 407 608
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

var input = full(1, 2, 2, 100f);
var first = tensor(new float[] { 1, 2, 3, 4 }).reshape(1, 2, 2);
var second = tensor(new float[] { 5, 6, 7, 8 }).reshape(1, 2, 2);
var result = input.baddbmm(first, second, 1, 1);
var documented = input + bmm(first, second);
var shifted = second + bmm(input, first);
Console.WriteLine($"baddbmm     {Text(result)}");
Console.WriteLine($"documented  {Text(documented)}");
Console.WriteLine($"shifted     {Text(shifted)}");
return result.allclose(shifted) && !result.allclose(documented) ? 0 : 1;

static string Text(Tensor t) => string.Join(" ", t.data<float>().ToArray());
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
