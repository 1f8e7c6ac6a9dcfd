#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Took one step of optim.AdamW with its defaults on a parameter of value 1 whose gradient is zero.
# Expected: The parameter shrinks by lr x 0.01: decoupled weight decay is what AdamW is for, and PyTorch documents
#           weight_decay = 0.01.
# Observed: The parameter stays at 1: the default is 0, so AdamW without settings is Adam. With weight_decay: 0.01 it
#           shrinks.
# Printed:
#     defaults            1.0000
#     weight_decay: 0.01  0.9990
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

var defaults = Step(p => optim.AdamW([p], lr: 0.1));
var told = Step(p => optim.AdamW([p], lr: 0.1, weight_decay: 0.01));
Console.WriteLine($"defaults            {defaults:F4}");
Console.WriteLine($"weight_decay: 0.01  {told:F4}");
return defaults == 1 && Math.Abs(told - 0.999) < 1e-6 ? 0 : 1;

static float Step(Func<TorchSharp.Modules.Parameter, optim.Optimizer> make)
{
    var parameter = new TorchSharp.Modules.Parameter(ones(1));
    var optimizer = make(parameter);
    (parameter * 0).sum().backward();
    optimizer.step();
    return parameter.item<float>();
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
