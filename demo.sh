#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to cells on real smears:
#   ./demo.sh [FOLDER]
# Installs what is missing (tools/setup.sh), builds the release program under
# build/release and scores the fields of data/fields with the bundled model.
# Prints a table and where the pictures lie (FOLDER, default out/demo). May be
# run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=${1:-out/demo}
jobs=${CYTO8_JOBS:-$(nproc)}

fail() {
  echo "demo.sh: $1" >&2
  echo "  mend: $2" >&2
  exit 1
}

for file in data/models/d2-cells.pb data/models/d2-cells.yaml \
  data/fields/fields.json; do
  [[ -f $file ]] || fail "$file is missing" "git checkout -- $file"
done

tools/setup.sh build
mkdir -p build/release
log=build/release/demo.log
echo "demo.sh: building (some minutes the first time; log: $log)"
{ cmake --preset release && ninja -C build/release -j "$jobs" cyto8; } \
  >"$log" 2>&1 ||
  fail "the build failed: $(tail -5 "$log")" "see $log"

echo "demo.sh: scoring data/fields with data/models/d2-cells.yaml"
build/release/app/cyto8 score data/fields/*.jpg \
  --model data/models/d2-cells.yaml --mpp-from data/fields/fields.json \
  --output "$out"
echo "demo.sh: look at $out/slides/*/overlay.jpg"
