#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Drew 100,000 samples of distributions.Weibull(scale 2, concentration 1), which is the exponential
#           distribution of mean 2, and asked for log_prob(1).
# Expected: Positive samples with mean 2; log_prob(1) = -ln 2 - 1/2 = -1.193.
# Observed: Every sample is negative, their mean is -1; log_prob(1) is 1. The property mean is right.
# Printed:
#     samples: mean -1.004, largest -3.48E-05
#     property mean: 2.000
#     log_prob(1): 1.000; exact: -1.193
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

manual_seed(1);
var weibull = distributions.Weibull(full(1, 2f), ones(1));
var samples = weibull.sample(100000);
var probability = weibull.log_prob(ones(1)).item<float>();
Console.WriteLine($"samples: mean {samples.mean().item<float>():F3}, largest {samples.max().item<float>():G3}");
Console.WriteLine($"property mean: {weibull.mean.item<float>():F3}");
Console.WriteLine($"log_prob(1): {probability:F3}; exact: {-Math.Log(2) - 0.5:F3}");
return samples.max().item<float>() < 0 && Math.Abs(probability + Math.Log(2) + 0.5) > 0.1 ? 0 : 1;
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
