#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds oneTBB from Debian's own source package with -fsanitize=thread, so
# that ThreadSanitizer sees its synchronisation; Debian's binary gives false
# reports. Kept outside the tree, keyed by version and compiler:
#   ${CYTO8_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/cyto8}/tsan-tbb/KEY
# Prints that folder as its last line. Changes nothing of the system: deb-src
# entries go into a temporary apt configuration.
# Tested by the tsan stage of test.sh.
set -euo pipefail

fail() {
  echo "build_tsan_tbb.sh: $1" >&2
  echo "  mend: $2" >&2
  exit 1
}

version=$(dpkg-query -W -f='${source:Version}' libtbb-dev 2>/dev/null) ||
  fail "package libtbb-dev is missing" "apt-get install libtbb-dev"
compiler=$(c++ -dumpfullversion -dumpversion)
cache=${CYTO8_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/cyto8}/tsan-tbb
prefix=$cache/onetbb-$version-gcc-$compiler
if [[ -e $prefix/lib/cmake/TBB/TBBConfig.cmake ]]; then
  echo "$prefix"
  exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/.work-XXXXXX")
trap 'rm -rf "$work"' EXIT
log=$work/log

# The mirrors of the user's own list, asked for source packages.
apt_get() {
  apt-get -q \
    -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$work/parts" \
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" \
    -o "APT::Sandbox::User=" -o "Debug::NoLocking=1" "$@"
}

# One deb-src line for each Debian archive that the user's own list names.
write_source_list() {
  local key=/usr/share/keyrings/debian-archive-keyring.gpg
  apt-get indextargets --format '$(ORIGIN)|$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' |
    sed -n "s#^Debian|#deb-src [signed-by=$key] #p" | sort -u
}

mkdir -p "$work"/{parts,lists/partial,cache/archives/partial}
write_source_list >"$work/parts/cyto8.list"
[[ -s $work/parts/cyto8.list ]] ||
  fail "apt knows no Debian archive" "apt-get update"

echo "oneTBB $version with -fsanitize=thread ..." >&2
cd "$work"
apt_get update >>"$log" 2>&1 || fail "apt-get update failed: $(tail -3 "$log")" \
  "check the network and the archives in /etc/apt"
apt_get source "onetbb=$version" >>"$log" 2>&1 ||
  fail "no source of onetbb $version: $(tail -3 "$log")" \
    "apt-get update && apt-get upgrade libtbb-dev, and dpkg-dev must be installed"

cmake -S onetbb-*/ -B build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DTBB_SANITIZE=thread \
  -DTBB_TEST=OFF -DTBB_STRICT=OFF -DTBBMALLOC_BUILD=OFF \
  -DTBB_DISABLE_HWLOC_AUTOMATIC_SEARCH=ON -DCMAKE_INSTALL_LIBDIR=lib \
  -DCMAKE_INSTALL_PREFIX="$prefix" >>"$log" 2>&1 &&
  ninja -C build >>"$log" 2>&1 &&
  DESTDIR="$work/stage" ninja -C build install >>"$log" 2>&1 ||
  fail "oneTBB does not build: $(tail -5 "$log")" "read the lines above"

# A second run may have won the race; either result is the same.
mv -T "$work/stage$prefix" "$prefix" 2>/dev/null || true
[[ -e $prefix/lib/cmake/TBB/TBBConfig.cmake ]] ||
  fail "$prefix is incomplete" "rm -r '$prefix' and run again"
echo "$prefix"
