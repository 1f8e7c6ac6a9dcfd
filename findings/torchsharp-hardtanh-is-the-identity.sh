#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Applied functional.hardtanh (default bounds -1 and 1, then -2 and 2) and the module Hardtanh to -5, -0.5,
#           0.5 and 5.
# Expected: -1, -0.5, 0.5, 1 (and -2, -0.5, 0.5, 2), as PyTorch documents.
# Observed: The input, unchanged, in all three: a network with this activation is linear. functional.relu6 and clamp
#           are right.
# Printed:
#     functional        -5 -0.5 0.5 5
#     functional, +-2   -5 -0.5 0.5 5
#     module            -5 -0.5 0.5 5
#     clamp             -1 -0.5 0.5 1
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

var x = tensor(new float[] { -5, -0.5f, 0.5f, 5 });
var results = new[] { nn.functional.hardtanh(x), nn.functional.hardtanh(x, -2, 2), nn.Hardtanh().forward(x) };
Console.WriteLine($"functional        {Text(results[0])}");
Console.WriteLine($"functional, +-2   {Text(results[1])}");
Console.WriteLine($"module            {Text(results[2])}");
Console.WriteLine($"clamp             {Text(x.clamp(-1, 1))}");
return results.All(result => result.equal(x).all().item<bool>()) ? 0 : 1;

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
