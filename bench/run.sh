#!/bin/sh
# Installs what is missing, builds our benchmarks and the peers', and runs them in turns: bench/run.sh [ARGUMENT...]
#
# Arguments are those of bench/run.py. Try: bench/run.sh --quick
extra_packages="libbenchmark-dev python3 libtorch-dev libdnnl-dev libdlib-dev"
. "$(dirname "$0")/../cmake/build.sh"

exec python3 bench/run.py "$@"
