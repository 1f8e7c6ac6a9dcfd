#!/usr/bin/env bash
# Package:  TorchSharp 0.107.0
# Did:      Listed the symbols that the package's libLibTorchSharp.so (linux-x64) imports from libstdc++ with a
#           version above GLIBCXX_3.4.30 (GCC 12, Debian 12). Nothing is loaded.
# Expected: None, or several: a library that needs GCC 13 would be expected to use something of it.
# Observed: One, ios_base_library_init, an empty marker that iostream of GCC 13 refers to. For it alone the wrapper
#           does not load on Debian 12, Ubuntu 22.04 or RHEL 9, and TorchSharp's message names a missing libtorch
#           package instead.
# Printed:
#     newest versions asked for: GLIBCXX_3.4.30 GLIBCXX_3.4.32
#     symbols above GLIBCXX_3.4.30: _ZSt21ios_base_library_initv@GLIBCXX_3.4.32
# Exit:     0 as observed; 1 changed; 77 not tried (no readelf, no .NET 10 SDK, packages not restored).
set -euo pipefail
command -v readelf > /dev/null || { echo "not tried: readelf (binutils) is missing."; exit 77; }
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
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="TorchSharp" Version="0.107.0" />
  </ItemGroup>
</Project>
END
cat > "$folder/Program.cs" <<'END'
return 0;
END
if ! dotnet build "$folder" -o "$folder/out" -nologo -v q > "$folder/log" 2>&1; then
  tail -3 "$folder/log"
  echo "not tried: the program did not build."
  exit 77
fi
wrapper="$folder/out/runtimes/linux-x64/native/libLibTorchSharp.so"
newer=$(readelf --dyn-syms -W "$wrapper" | grep -oE '[^ ]+@GLIBCXX_3\.4\.(3[1-9]|[4-9][0-9])' | sort -u)
echo "newest versions asked for: $(readelf -V -W "$wrapper" | grep -oE 'GLIBCXX_3\.4\.[0-9]+' | sort -uV | tail -2 | xargs)"
echo "symbols above GLIBCXX_3.4.30: $newer"
code=0
[ "$newer" = "_ZSt21ios_base_library_initv@GLIBCXX_3.4.32" ] || code=1
case $code in
  0) echo "as observed" ;;
  77) ;;
  *) echo "changed: no longer as this file's head says" >&2 ;;
esac
exit $code
