#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0 with libtorch-cpu-linux-x64 2.10.0
# Did:      Called the recurrent cells RNNCell, GRUCell and LSTMCell with an input and without a state.
# Expected: A state of zeros, as PyTorch documents ("defaults to zero if not provided") and as the optional argument says.
# Observed: RNNCell and GRUCell start from zeros. LSTMCell throws: the missing state reaches libtorch as an empty tensor.
# Printed:
#     RNNCell: as from zeros
#     GRUCell: as from zeros
#     LSTMCell: Input batch size 2 doesn't match hidden0 batch size 0
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

var x = ones(2, 3);
var h = zeros(2, 4);
var rnn = nn.RNNCell(3, 4);
var gru = nn.GRUCell(3, 4);
var lstm = nn.LSTMCell(3, 4);
string first = Try(() => rnn.forward(x), () => rnn.forward(x, h));
string second = Try(() => gru.forward(x), () => gru.forward(x, h));
string third = Try(() => lstm.call(x, null).Item1, () => lstm.call(x, (h, h)).Item1);
Console.WriteLine($"RNNCell: {first}\nGRUCell: {second}\nLSTMCell: {third}");
return first == "as from zeros" && second == first && third.Contains("hidden0 batch size 0") ? 0 : 1;

static string Try(Func<Tensor> without, Func<Tensor> with)
{
    try { return without().allclose(with()) ? "as from zeros" : "another result"; }
    catch (Exception failure) { return failure.Message.Split('\n')[0]; }
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
