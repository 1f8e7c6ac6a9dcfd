#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Filled a 100 x 400 tensor by nn.init.xavier_normal_ and, from the same seed, by nn.init.xavier_uniform_.
# Expected: Normal draws with standard deviation sqrt(2 / 500) = 0.0632 and a kurtosis of 3, of which the largest of
#           40,000 is near 4 deviations.
# Observed: The same numbers as xavier_uniform_, to the bit: none exceeds sqrt(6 / 500) = 0.1095, the kurtosis is 1.8.
#           kaiming_normal_ is normal.
# Printed:
#     xavier_normal_   deviation 0.0632, largest 0.1095, kurtosis 1.80
#     xavier_uniform_  deviation 0.0632, largest 0.1095, kurtosis 1.80
#     kaiming_normal_  deviation 0.0709, largest 0.2959, kurtosis 3.01
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

var normal = Draw(t => nn.init.xavier_normal_(t));
var uniform = Draw(t => nn.init.xavier_uniform_(t));
var kaiming = Draw(t => nn.init.kaiming_normal_(t));
Show("xavier_normal_", normal);
Show("xavier_uniform_", uniform);
Show("kaiming_normal_", kaiming);
return normal.equal(uniform).all().item<bool>() ? 0 : 1;

static Tensor Draw(Func<Tensor, Tensor> fill)
{
    manual_seed(1);
    return fill(empty(100, 400)).to(float64);
}

static void Show(string call, Tensor t)
{
    var kurtosis = ((t - t.mean()).pow(4).mean() / t.var().pow(2)).ToDouble();
    var (deviation, largest) = (t.std().ToDouble(), t.abs().max().ToDouble());
    Console.WriteLine($"{call,-16} deviation {deviation:F4}, largest {largest:F4}, kurtosis {kurtosis:F2}");
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
