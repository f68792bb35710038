#!/bin/sh
# Builds the fuzzers and gives each RUNS inputs, from its corpus on: tests/fuzz/run.sh [RUNS [FUZZER...]]
# An input that breaks something is left as build/fuzz/NAME-crash-...; with the error mended it belongs into the corpus.
# To have a corpus of what covers most: build/fuzz/tests/fuzz/NAME_fuzz -merge=1 NEW_FOLDER build/fuzz/found/NAME CORPUS
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-1000000}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- $(ls tests/fuzz/corpus)

cmake --preset fuzz
cmake --build --preset fuzz
export COTANGENT_NUM_THREADS=1
export ASAN_OPTIONS="allocator_may_return_null=1:${ASAN_OPTIONS:-}"  # what memory cannot hold is an Error
for name in "$@"; do
  echo "== $name"
  found=build/fuzz/found/$name
  mkdir -p "$found"
  # Weighing inputs by their entropy takes longer than reading them.
  "build/fuzz/tests/fuzz/${name}_fuzz" -runs="$runs" -max_len=4096 -entropic=0 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$name-" "$found" "tests/fuzz/corpus/$name"
done
