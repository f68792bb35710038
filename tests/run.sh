#!/bin/sh
# Installs what is missing, builds everything and runs the tests: tests/run.sh [CTEST_ARGUMENT...]
#
# tests/checks.sh has further checks, which take longer.
extra_packages="python3-scipy valgrind"  # a picture that one test reads; a check for leaks
. "$(dirname "$0")/../cmake/build.sh"

cmake --build build/release
exec ctest --test-dir build/release --output-on-failure --parallel "$(nproc)" "$@"
