#!/bin/sh
# Installs what is missing, builds an example and runs it: examples/run.sh [EXAMPLE [ARGUMENT...]]
#
# Without arguments it trains a small CNN on Fashion-MNIST. Try: examples/run.sh train_fashion_mnist --help
. "$(dirname "$0")/../cmake/build.sh"

example="${1:-train_fashion_mnist}"
[ "$#" -eq 0 ] || shift
cmake --build build/release --target "$example"
exec "build/release/examples/$example" "$@"
