#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Called special.erfcx, the scaled complementary error function exp(x^2) erfc(x), at 1 and 3.
# Expected: 0.427584 and 0.179001 (tables), which do not underflow for large x: that is what the function is for.
# Observed: erfc itself, 0.157299 and 2.209e-5, without the scaling.
# Printed:
#     erfcx           0.157299 2.20905E-05
#     erfc            0.157299 2.20905E-05
#     exp(x^2) erfc   0.427584 0.179001
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

var x = tensor(new double[] { 1, 3 });
var scaled = special.erfcx(x);
var plain = special.erfc(x);
Console.WriteLine($"erfcx           {Text(scaled)}");
Console.WriteLine($"erfc            {Text(plain)}");
Console.WriteLine($"exp(x^2) erfc   {Text(plain * x.square().exp())}");
return scaled.equal(plain).all().item<bool>() ? 0 : 1;

static string Text(Tensor t) => string.Join(" ", t.data<double>().ToArray().Select(v => v.ToString("G6")));
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
