#!/usr/bin/env bash
# Package:  Microsoft.ML 5.0.1
# Did:      Looked by reflection for a public way to make a SchemaShape.Column.
# Expected: One: IEstimator is a public interface, meant for estimators of others too, and its GetOutputSchema must
#           return a SchemaShape that names the columns which the estimator adds.
# Observed: SchemaShape has a public constructor that takes columns, but Column has no public constructor and
#           SchemaShape no public factory: another party's estimator can only pass on columns that an estimator of
#           Microsoft.ML made.
# Printed:
#     public constructors of SchemaShape: 1
#     public constructors of SchemaShape.Column: 0
#     public static methods that return either: 0
# Exit:     0 as observed; 1 changed; 77 not tried (no .NET 10 SDK, packages not restored).
set -euo pipefail
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
    <PackageReference Include="Microsoft.ML" Version="5.0.1" />
  </ItemGroup>
</Project>
END
cat > "$folder/Program.cs" <<'END'
using System.Reflection;
using Microsoft.ML;

var constructors = typeof(SchemaShape.Column).GetConstructors().Length;
var factories = typeof(SchemaShape).Assembly.GetExportedTypes()
    .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static))
    .Where(method => method.ReturnType == typeof(SchemaShape) || method.ReturnType == typeof(SchemaShape.Column))
    .Select(method => $"{method.DeclaringType!.Name}.{method.Name}").ToArray();
Console.WriteLine($"public constructors of SchemaShape: {typeof(SchemaShape).GetConstructors().Length}");
Console.WriteLine($"public constructors of SchemaShape.Column: {constructors}");
Console.WriteLine($"public static methods that return either: {factories.Length} {string.Join(" ", factories)}");
return constructors == 0 && factories.Length == 0 ? 0 : 1;
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
