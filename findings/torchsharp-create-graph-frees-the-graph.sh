#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Took the first derivatives of exp(x) + exp(y) by autograd.grad(create_graph: true) and then called
#           backward() on their sum; and again with retain_graph: true.
# Expected: The second derivatives: PyTorch documents that retain_graph defaults to the value of create_graph.
# Observed: An exception says that the graph was freed. With retain_graph: true the second derivatives come.
#           Tensor.backward(create_graph: true) frees it too.
# Printed:
#     create_graph                Trying to backward through the graph a second time
#     create_graph, retain_graph  1 1
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

var alone = Second(retain: false);
var both = Second(retain: true);
Console.WriteLine($"create_graph                {alone}");
Console.WriteLine($"create_graph, retain_graph  {both}");
return alone.StartsWith("Trying to backward") && both == "1 1" ? 0 : 1;

static string Second(bool retain)
{
    var x = zeros(2, requires_grad: true);
    var first = retain
        ? autograd.grad([x.exp().sum()], [x], create_graph: true, retain_graph: true)
        : autograd.grad([x.exp().sum()], [x], create_graph: true);
    try
    {
        first[0].sum().backward();
        return string.Join(" ", x.grad!.data<float>().ToArray());
    }
    catch (Exception failure)
    {
        return failure.Message.Split('(')[0].Trim();
    }
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
