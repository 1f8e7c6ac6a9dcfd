#!/usr/bin/env bash
# Compiles the native half of DaML.LibTorch.
#
#   build.sh OUTPUT.so
#
#   LIBTORCH    a libtorch to use in place of the system's, for instance a Python installation's torch folder:
#               python3 -c 'import torch, os; print(os.path.dirname(torch.__file__))'
#   CXX         the compiler (default g++)
#   CXX11_ABI   0 or 1, the value of torch.compiled_with_cxx11_abi(); default: the compiler's own (1)
#
# Exit status 3: libtorch or the compiler is missing.
set -eu

output=$1
here=$(cd "$(dirname "$0")" && pwd)
cxx=${CXX:-g++}
libtorch=${LIBTORCH:-}

missing() {
    echo "$1: install libtorch-dev libopenblas0-openmp g++ (Debian), set LIBTORCH to a libtorch of your own, or build with -p:TorchProvider=TorchSharp-cpu" >&2
    exit 3
}

command -v "${cxx%% *}" > /dev/null || missing "no C++ compiler ($cxx)"

flags=(-std=c++17 -O2 -g0 -fPIC -shared -fvisibility=hidden -fvisibility-inlines-hidden -DAT_PER_OPERATOR_HEADERS -w)
if [ -n "$libtorch" ]; then
    [ -f "$libtorch/include/ATen/core/Tensor.h" ] || missing "no libtorch headers under LIBTORCH=$libtorch"
    flags+=(-isystem "$libtorch/include" -isystem "$libtorch/include/torch/csrc/api/include")
    libs=(-L"$libtorch/lib" -Wl,-rpath,"$libtorch/lib")
    libdir=$libtorch/lib
else
    [ -f /usr/include/ATen/core/Tensor.h ] || missing "no libtorch"
    flags+=(-isystem /usr/include/torch/csrc/api/include)
    libs=()
    libdir=$("$cxx" -print-file-name=libtorch_cpu.so); libdir=$(dirname "$libdir")
fi
[ -n "${CXX11_ABI:-}" ] && flags+=("-D_GLIBCXX_USE_CXX11_ABI=$CXX11_ABI")

# the CUDA kernels register themselves when their library is loaded, so it must be linked even if nothing names it
libs+=(-Wl,--no-as-needed)
cudaflags=()
if [ -f "$libdir/libtorch_cuda.so" ]; then
    libs+=(-ltorch_cuda -lc10_cuda)
    # memory figures need CUDA's own headers, which a Python installation keeps beside torch
    for cuda in "${CUDA_HOME:-/usr/local/cuda}/include" "$libtorch"/../nvidia/cuda_runtime/include "$libtorch"/../nvidia/cu*/include; do
        if [ -f "$cuda/cuda_runtime_api.h" ] && [ -f "$libtorch/include/c10/cuda/CUDACachingAllocator.h" ]; then
            cudaflags=(-isystem "$cuda" -DDAML_WITH_CUDA_HEADERS)
            break
        fi
    done
fi
libs+=(-ltorch_cpu -ltorch -lc10)

mkdir -p "$(dirname "$output")"
compile() { "$cxx" "${flags[@]}" "$@" "$here/daml_torch.cpp" -o "$output.new" "${libs[@]}"; }
if [ ${#cudaflags[@]} -gt 0 ] && ! compile "${cudaflags[@]}" 2> "$output.log"; then
    echo "CUDA's headers do not fit (see $output.log): building without memory figures"
    cudaflags=()
fi
[ ${#cudaflags[@]} -gt 0 ] || compile
mv "$output.new" "$output"
