#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Compared single-precision conv1d with double precision (12 and 16 channels, kernel 5, 8 series of 40)
#           under qemu-user: as an AMD EPYC; as the same processor with CPUID leaf 0x8000001D (cache topology) zero,
#           as hypervisors that hide it answer; and as that with ONEDNN_MAX_CPU_ISA=SSE41.
# Expected: Errors of single precision, some 1e-7, in all three.
# Observed: With the leaf zero, 12 -> 12 channels are off by half of the largest value, or NaN, from run to run, and
#           nothing is said; 16 -> 16 are right, and so is everything with SSE41. oneDNN 3.7.1 inside libtorch pads
#           channels that are not a multiple of the vector length, and goes wrong where it pads. Takes a minute.
# Printed:
#     relative error, 12 and 16 channels
#     EPYC                        2E-007 3E-007
#     cache topology zero         5E-001 3E-007
#     cache topology zero, SSE41  2E-007 3E-007
# Exit:     0 as observed; 1 changed; 77 not tried (no qemu-user, no .NET 10 SDK, packages not restored, not Linux
#           x64, or TorchSharp does not load).
set -euo pipefail
command -v qemu-x86_64 > /dev/null || { echo "not tried: qemu-x86_64 (package qemu-user) is missing."; exit 77; }
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
foreach (var channels in new[] { 12L, 16L })
{
    var series = randn(8, channels, 40);
    var kernel = randn(channels, channels, 5) / Math.Sqrt(5 * channels);
    var single = nn.functional.conv1d(series, kernel).to(float64);
    var exact = nn.functional.conv1d(series.to(float64), kernel.to(float64));
    Console.Write($"{((single - exact).abs().max() / exact.abs().max()).ToDouble():E0} ");
}
return 0;
END
if ! dotnet build "$folder" -o "$folder/out" -nologo -v q > "$folder/log" 2>&1; then
  tail -3 "$folder/log"
  echo "not tried: the program did not build."
  exit 77
fi
host=$(readlink -f "$(command -v dotnet)")
hidden=EPYC,xlevel=0x8000001a,level=0x14
try() { # processor, name=value of the environment: the relative errors for 12 and for 16 channels
  env -u ONEDNN_MAX_CPU_ISA "$2" qemu-x86_64 -cpu "$1" "$host" "$folder/out/finding.dll" 2> /dev/null
}
code=0
shown=$(try EPYC LC_ALL=C) || code=$?
[ $code -ne 77 ] || { echo "$shown"; exit 77; }
[ $code -eq 0 ] || { echo "not tried: the program does not run under qemu-x86_64."; exit 77; }
zero=$(try $hidden LC_ALL=C)
limited=$(try $hidden ONEDNN_MAX_CPU_ISA=SSE41)
echo "relative error, 12 and 16 channels"
echo "EPYC                        $shown"
echo "cache topology zero         $zero"
echo "cache topology zero, SSE41  $limited"
right() { [[ $1 =~ E-00[5-9]$ ]]; }
read -r shown12 shown16 <<< "$shown"
read -r zero12 zero16 <<< "$zero"
read -r limited12 limited16 <<< "$limited"
right "$shown12" && right "$shown16" && ! right "$zero12" && right "$zero16" && right "$limited12" && right "$limited16" || code=1
case $code in
  0) echo "as observed" ;;
  77) ;;
  *) echo "changed: no longer as this file's head says" >&2 ;;
esac
exit $code
