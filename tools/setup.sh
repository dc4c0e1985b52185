#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing, by apt, and nothing if none is:
#   tools/setup.sh build         what it takes to build, test and run cyto8
#   tools/setup.sh build fuzz    ... and to fuzz it (clang)
#   tools/setup.sh qemu          what emulates other CPUs
# sudo is used only where something is missing and the user is not root. Names
# the missing packages and the mend if it cannot.
set -euo pipefail

build_packages=(
  build-essential cmake ninja-build ccache protobuf-compiler libprotobuf-dev
  libdnnl-dev libtbb-dev libopencv-imgproc-dev libopencv-core-dev
  libyaml-cpp-dev libfmt-dev libspdlog-dev libcli11-dev nlohmann-json3-dev
  libjpeg62-turbo-dev libpng-dev libtiff-dev libssl-dev
  libopenslide-dev
  libgtest-dev libgmock-dev libbenchmark-dev zlib1g-dev)
fuzz_packages=(clang-14 llvm-14 libclang-rt-14-dev)
qemu_packages=(qemu-user)

fail() {
  echo "setup.sh: $1" >&2
  echo "  mend: $2" >&2
  exit 1
}

command -v dpkg-query >/dev/null ||
  fail "this is not a Debian system (no dpkg)" \
    "use Debian 12, or install the libraries of docs/soup.md by hand"

wanted=()
for group in "$@"; do
  case $group in
    build) wanted+=("${build_packages[@]}") ;;
    fuzz) wanted+=("${fuzz_packages[@]}") ;;
    qemu) wanted+=("${qemu_packages[@]}") ;;
    *) fail "group $group: must be build, fuzz or qemu" "see $0" ;;
  esac
done

is_installed() {
  local state
  state=$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) || return 1
  [[ $state == installed ]]
}

missing=()
for package in "${wanted[@]}"; do
  is_installed "$package" || missing+=("$package")
done
((${#missing[@]} == 0)) && exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null ||
    fail "missing packages: ${missing[*]}" \
      "as root: apt-get update && apt-get install ${missing[*]}"
  as_root=(sudo)
fi

echo "setup.sh: installing ${missing[*]}"
apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get update >"$log" 2>&1 ||
  fail "apt-get update failed: $(tail -3 "$log")" \
    "check the network and /etc/apt, then run again"
apt_get install --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
  fail "apt-get install failed: $(tail -5 "$log")" \
    "apt-get install ${missing[*]}"
