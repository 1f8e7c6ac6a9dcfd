#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Took the hinge embedding loss of 0.25 with target -1 by the function and by the module, both with their
#           defaults.
# Expected: max(0, 1 - 0.25) = 0.75 from both: PyTorch documents margin = 1 for both.
# Observed: The module gives 0.75, the function 0: its margin is 0 by default, so near pairs of the negative class
#           cost nothing.
# Printed:
#     function 0, module 0.75
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

var input = full(1, 0.25f);
var target = full(1, -1f);
var function = nn.functional.hinge_embedding_loss(input, target).item<float>();
var module = nn.HingeEmbeddingLoss().forward(input, target).item<float>();
Console.WriteLine($"function {function}, module {module}");
return function == 0 && module == 0.75f ? 0 : 1;
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
