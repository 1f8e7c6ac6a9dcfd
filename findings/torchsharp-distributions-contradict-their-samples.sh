#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Compared what distributions say of themselves with 200,000 of their own samples: variance of
#           Exponential(rate 2), mean of Geometric(0.25), entropy of Binomial(4, 0.25).
# Expected: 1 / 4, 3 and 1.2228 nats, as the samples, the literature and PyTorch have it.
# Observed: The variance is the square of the rate (4), not of its inverse; the mean is negative (-1.3333 = 1 / (p -
#           1)); the entropy is that of one trial (0.5623). The samples themselves are right.
# Printed:
#     Exponential(2)     variance 4.0000; of its samples 0.2502
#     Geometric(0.25)    mean -1.3333; of its samples 3.0030
#     Binomial(4, 0.25)  entropy 0.5623; of its samples 1.2209
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
var exponential = distributions.Exponential(full(1, 2f));
var geometric = distributions.Geometric(full(1, 0.25f));
var binomial = distributions.Binomial(full(1, 4f), full(1, 0.25f));
var drawn = binomial.sample(200000);
var variance = exponential.variance.item<float>();
var mean = geometric.mean.item<float>();
var entropy = binomial.entropy().item<float>();
Console.WriteLine($"Exponential(2)     variance {variance:F4}; of its samples {exponential.sample(200000).var().item<float>():F4}");
Console.WriteLine($"Geometric(0.25)    mean {mean:F4}; of its samples {geometric.sample(200000).mean().item<float>():F4}");
Console.WriteLine($"Binomial(4, 0.25)  entropy {entropy:F4}; of its samples {-binomial.log_prob(drawn).mean().item<float>():F4}");
return Math.Abs(variance - 4) < 1e-3 && mean < 0 && entropy < 0.6 ? 0 : 1;
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
