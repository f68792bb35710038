#!/bin/sh
# Checks beyond tests/run.sh, each installing what it needs: tests/checks.sh [NAME...]
#
#   format           every source is as clang-format 14 would write it
#   sanitized_units  clang compiles library and unit tests without a warning, and they run clean under
#                    AddressSanitizer and UndefinedBehaviorSanitizer, with kernels of one instruction set
#   clang            everything compiles with clang without a warning, and with the includes of its own alone
#   asan, tsan       the whole suite, under these two or ThreadSanitizer
#   coverage         lines and branches that the tests run, for each layer; pages in build/coverage/report
#   property         100,000 random convolutions with all their derivatives to order 3
#   mutants          wrong formulas, planted one at a time, are found by the tests
#   fuzz             a million inputs for each reader of files
#
# Without a name: all but sanitized_units, which is part of asan. That takes some hours on two processors.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
cd "$root"

# Installs these packages beside those of every build, and configures a preset unless that is empty.
prepare() {
  preset="$1"
  shift
  extra_packages="$*"
  . cmake/build.sh
}

format() {
  prepare "" clang-format-14
  find ./*.h core autograd ops nn examples tests bench '(' -name '*.h' -o -name '*.cpp' ')' \
    -exec clang-format-14 --dry-run -Werror '{}' +
}

# Every leak check needs a right that some containers do not give; it then ends the program, and is left out.
allow_missing_leak_check() {
  if "$1" --gtest_list_tests 2>&1 | grep -q "LeakSanitizer has encountered a fatal error"; then
    echo "No leak checks: this machine does not let a program trace its threads."
    export ASAN_OPTIONS=detect_leaks=0
  fi
}

sanitized_units() {
  prepare asan clang libclang-rt-14-dev
  cmake --preset asan -DCOTANGENT_ISA_LEVELS=baseline  # half the time to compile
  cmake --build --preset asan --target unit_tests
  allow_missing_leak_check build/asan/tests/tensor_test
  ctest --preset asan --parallel "$(nproc)" -L unit
}

clang() {
  prepare "" clang
  cmake --preset clang -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
  cmake --build --preset clang
}

asan() {
  prepare asan clang libclang-rt-14-dev python3-scipy
  cmake --preset asan -DCOTANGENT_ISA_LEVELS=  # all
  cmake --build --preset asan
  allow_missing_leak_check build/asan/tests/tensor_test
  ctest --preset asan --parallel "$(nproc)"
}

# ThreadSanitizer wants its memory at fixed places, which randomized addresses may occupy.
tsan() {
  prepare tsan clang libclang-rt-14-dev python3-scipy
  cmake --build --preset tsan
  if setarch -R true 2>/dev/null; then fixed="setarch -R"; else fixed=""; fi
  $fixed ctest --preset tsan --parallel "$(nproc)"
}

coverage() {
  prepare coverage gcovr
  cmake --build --preset coverage --target unit_tests conformance_tests grad_tests isa_tests
  find build/coverage -name '*.gcda' -delete
  # Threads would wait for each other's counters; the tests that are about threads ask for more.
  COTANGENT_NUM_THREADS=1 ctest --preset coverage --parallel "$(nproc)"
  mkdir -p build/coverage/report
  gcovr --root . --exclude-throw-branches --json build/coverage/report/coverage.json -j "$(nproc)" build/coverage
  for layer in core autograd ops nn; do
    echo "$layer"
    gcovr --root . --add-tracefile build/coverage/report/coverage.json --print-summary \
      --filter "$layer/" --filter "build/coverage/include/$layer/" \
      --html-details "build/coverage/report/$layer.html" >build/coverage/report/$layer.txt
    grep -E '^(lines|branches)' build/coverage/report/$layer.txt
  done
}

property() {
  prepare release
  cmake --build --preset release --target conv_property_test
  COTANGENT_PROPERTY_RUNS=100000 build/release/tests/conv_property_test
}

mutants() {
  prepare "" python3
  tests/mutants/run.py
}

fuzz() {
  prepare "" clang libclang-rt-14-dev
  tests/fuzz/run.sh
}

[ "$#" -gt 0 ] || set -- format clang asan tsan coverage property mutants fuzz
for check in "$@"; do
  case "$check" in
    format | sanitized_units | clang | asan | tsan | coverage | property | mutants | fuzz) echo "== $check" ;;
    *) echo "tests/checks.sh: there is no check '$check'" >&2; exit 2 ;;
  esac
  "$check"
done
