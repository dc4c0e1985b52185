#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# INT8 networks give the same bits on emulated CPUs as on this one: Haswell,
# which has AVX2 but neither AVX-512 nor VNNI, and Nehalem, which has no AVX.
#   int8_same_answer_qemu.sh CYTO8_INT8_DIGEST
# The bundled D2 at 256 px and all small networks, one tile each, by the best
# kernels that the CPU has.
set -euo pipefail
program=$1

if ! command -v qemu-x86_64 >/dev/null; then
  echo "SKIPPED: qemu-x86_64 is not installed: tools/setup.sh qemu"
  exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" make "$folder" >"$folder/made"
models=("$folder"/*.cy8)
"$program" run "${models[@]}" >"$folder/expected"
[[ $(wc -l <"$folder/expected") == "${#models[@]}" ]]

# A digest that depends on nothing would agree as well.
[[ $(cut -d ' ' -f 1 "$folder/expected" | sort -u | wc -l) -gt 30 ]]

status=0
for cpu in Haswell Nehalem; do
  if ! qemu-x86_64 -cpu "$cpu" "$program" run "${models[@]}" \
    >"$folder/$cpu" 2>"$folder/$cpu.log"; then
    echo "$cpu: failed after $(wc -l <"$folder/$cpu") networks"
    grep -v "TCG doesn't support" "$folder/$cpu.log" || true
    status=1
  elif diff "$folder/expected" "$folder/$cpu"; then
    echo "$cpu: the same bits of ${#models[@]} networks"
  else
    echo "$cpu: other bits"
    status=1
  fi
done
exit "$status"
