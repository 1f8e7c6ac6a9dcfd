#!/usr/bin/env bash
# Package:  MathNet.Numerics 5.0.0
# Did:      Minimised Rosenbrock's function from (-1.2, 1) with LimitedMemoryBfgsMinimizer, gradient tolerance 1e-8, and at most
#           3, 5 and 10 iterations; BfgsMinimizer with the same settings beside it.
# Expected: A MaximumIterationsException, which BfgsMinimizer throws, or an exit condition that says so: 10 iterations do not get there.
# Observed: LimitedMemoryBfgsMinimizer returns after one iteration more than allowed, with the reason AbsoluteGradient, "the gradient is
#           small enough", while the gradient's length is above 1. Callers who trust the reason take any point for a minimum.
# Printed:
#     limited memory,   3 allowed: AbsoluteGradient after 4, gradient 4.5
#     full matrix,      3 allowed: MaximumIterationsException
#     limited memory,   5 allowed: AbsoluteGradient after 6, gradient 1.9
#     full matrix,      5 allowed: MaximumIterationsException
#     limited memory,  10 allowed: AbsoluteGradient after 11, gradient 4.8
#     full matrix,     10 allowed: MaximumIterationsException
# Exit:     0 as observed; 1 changed; 77 not tried (no .NET 10 SDK, package not restored).
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
    <PackageReference Include="MathNet.Numerics" Version="5.0.0" />
  </ItemGroup>
</Project>
END
cat > "$folder/Program.cs" <<'END'
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

var rosenbrock = ObjectiveFunction.Gradient(
    x => Math.Pow(1 - x[0], 2) + 100 * Math.Pow(x[1] - x[0] * x[0], 2),
    x => Vector<double>.Build.Dense([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] * x[0]), 200 * (x[1] - x[0] * x[0])]));
var start = Vector<double>.Build.Dense([-1.2, 1]);
bool asObserved = true;
foreach (int allowed in (int[])[3, 5, 10])
{
    var limited = new LimitedMemoryBfgsMinimizer(1e-8, 1e-12, 1e-12, 5, allowed).FindMinimum(rosenbrock, start);
    double length = limited.FunctionInfoAtMinimum.Gradient.L2Norm();
    Console.WriteLine($"limited memory, {allowed,3} allowed: {limited.ReasonForExit} after {limited.Iterations}, gradient {length:f1}");
    asObserved &= limited.ReasonForExit == ExitCondition.AbsoluteGradient && length > 1 && limited.Iterations == allowed + 1;
    string full;
    try { full = new BfgsMinimizer(1e-8, 1e-12, 1e-12, allowed).FindMinimum(rosenbrock, start).ReasonForExit.ToString(); }
    catch (MaximumIterationsException error) { full = error.GetType().Name; }
    Console.WriteLine($"full matrix,    {allowed,3} allowed: {full}");
    asObserved &= full == nameof(MaximumIterationsException);
}
return asObserved ? 0 : 1;
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
