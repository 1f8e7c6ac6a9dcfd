#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Made BatchNorm1d(2) and BatchNorm1d(2, dtype: Float32), ran each over one batch, and asked for the types of
#           their buffers.
# Expected: Both the same: Float32 is the default, and num_batches_tracked counts batches. PyTorch keeps it an int64
#           whatever dtype is passed, which is for weights and running statistics.
# Observed: With dtype: Float32 the counter is Float32, without it Int64. So a state dict differs in type from the one
#           that PyTorch, or the same module made without the argument, writes.
# Printed:
#     BatchNorm1d(2)                  running_mean Float32, num_batches_tracked Int64 = 1
#     BatchNorm1d(2, dtype: Float32)  running_mean Float32, num_batches_tracked Float32 = 1
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

(ScalarType Mean, ScalarType Counter, double Batches) Types(nn.Module<Tensor, Tensor> layer, string name)
{
    layer.train();
    layer.call(arange(6f).reshape(3, 2));
    var buffers = layer.named_buffers().ToDictionary(buffer => buffer.name, buffer => buffer.buffer);
    Tensor mean = buffers["running_mean"], counter = buffers["num_batches_tracked"];
    var batches = counter.to(ScalarType.Float64).item<double>();
    Console.WriteLine($"{name,-31} running_mean {mean.dtype}, num_batches_tracked {counter.dtype} = {batches}");
    return (mean.dtype, counter.dtype, batches);
}

var plain = Types(nn.BatchNorm1d(2), "BatchNorm1d(2)");
var typed = Types(nn.BatchNorm1d(2, dtype: ScalarType.Float32), "BatchNorm1d(2, dtype: Float32)");
return plain == (ScalarType.Float32, ScalarType.Int64, 1) && typed == (ScalarType.Float32, ScalarType.Float32, 1) ? 0 : 1;
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
