#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Asked for the variance of 0, 1, 2, 3 by var(unbiased: false), along all elements and along dimension 0,
#           and for std(unbiased: false).
# Expected: The variance without correction, 1.25, from all, as PyTorch documents, and std to be its root.
# Observed: var(unbiased: false) over all elements is 1.6667, the corrected one, so it is not the square of
#           std(unbiased: false). With a dimension it is right.
# Printed:
#     var(unbiased: false)     1.6667
#     var(0, unbiased: false)  1.2500
#     std(unbiased: false)^2   1.2500
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

var x = arange(4f);
var all = x.var(unbiased: false).item<float>();
var along = x.var(0, unbiased: false).item<float>();
var deviation = x.std(unbiased: false).item<float>();
Console.WriteLine($"var(unbiased: false)     {all:F4}");
Console.WriteLine($"var(0, unbiased: false)  {along:F4}");
Console.WriteLine($"std(unbiased: false)^2   {deviation * deviation:F4}");
return Math.Abs(all - 5.0 / 3) < 1e-5 && Math.Abs(along - 1.25) < 1e-5 ? 0 : 1;
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
