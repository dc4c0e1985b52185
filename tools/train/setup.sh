#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sets up the Python environment of tools/train:
#   tools/train/setup.sh [FOLDER]     default /tmp/train_venv; about 7 GB
# Needs python3.11, g++ and ninja (the fused operators are compiled at the first
# run). Called again it installs only what is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-/tmp/train_venv}
for program in python3.11 g++ ninja; do
  command -v "$program" >/dev/null || {
    echo "setup.sh: $program: not found; mend: install it" >&2
    exit 1
  }
done
[[ -x $folder/bin/python ]] || python3.11 -m venv "$folder"
"$folder/bin/pip" install --no-cache-dir -r "$here/requirements.txt"
