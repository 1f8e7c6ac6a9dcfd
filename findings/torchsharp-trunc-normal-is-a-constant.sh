#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Filled 1,000 elements by nn.init.trunc_normal_ with its defaults (mean 0, standard deviation 1, bounds -2
#           and 2).
# Expected: Draws from the normal distribution cut at the bounds: mean 0, standard deviation 0.88.
# Observed: Every element is 1: no draw at all, and all units of a layer start equal. With deviation 0.5 and bounds -1
#           and 1 every element is 0.5.
# Printed:
#     defaults      smallest 1, largest 1
#     0.5, -1 to 1  smallest 0.5, largest 0.5
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
var defaults = nn.init.trunc_normal_(empty(1000));
var narrow = nn.init.trunc_normal_(empty(1000), 0, 0.5, -1, 1);
Show("defaults", defaults);
Show("0.5, -1 to 1", narrow);
return defaults.equal(1).all().item<bool>() && narrow.equal(0.5).all().item<bool>() ? 0 : 1;

static void Show(string call, Tensor t) => Console.WriteLine($"{call,-13} smallest {t.min().ToSingle()}, largest {t.max().ToSingle()}");
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
