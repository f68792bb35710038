# Installs what is missing, also of $extra_packages, and configures the build of a $preset, or none if it is empty; the
# default is release. Sourced by the run.sh of examples, tests and bench, and by tests/checks.sh.
#
# Needs a Debian 12 with apt and either root or sudo; once everything is installed, no network is used.
set -eu
cd "${root:-$(dirname "$0")/..}"

packages="
  g++ cmake ninja-build
  libeigen3-dev libopenblas-dev libfmt-dev
  zlib1g-dev nlohmann-json3-dev
  libcli11-dev libpng-dev dataset-fashion-mnist
  gnuplot-nox libbz2-dev
  libgtest-dev
  ${extra_packages:-}
"

missing=""
for package in $packages; do
  dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "Installing:$missing"
  if [ "$(id -u)" -eq 0 ]; then as_root=""; else as_root="sudo"; fi
  $as_root apt-get update
  # shellcheck disable=SC2086  # a list of words
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
fi

preset="${preset-release}"
[ -z "$preset" ] || [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"
