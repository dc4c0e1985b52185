# SPDX-License-Identifier: Apache-2.0
"""Makes the content of data/golden/graphs: small TensorFlow graphs and what
TensorFlow gives. Run in an environment with requirements.txt installed; what it
writes is packed by pack.py:
    TF_ENABLE_ONEDNN_OPTS=0 python tools/golden/make_graphs.py --output DIR
    python tools/golden/pack.py DIR data/golden/graphs/graphs.tar.xz
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import serving
import spellings
from golden_graph import Recipe, make, write

INTRODUCTION = """# Golden graphs

Small frozen TensorFlow graphs, one for each spelling that the importer reads,
with inputs and with the outputs that TensorFlow gave for the file as it is in
`graphs.tar.xz`, which CMake unpacks into the build folder. Made by

    TF_ENABLE_ONEDNN_OPTS=0 python tools/golden/make_graphs.py --output DIR
    python tools/golden/pack.py DIR data/golden/graphs/graphs.tar.xz

with TensorFlow {tensorflow} and NumPy {numpy} on a CPU, oneDNN layers off. The
weights are random, seeded by the graph's name. Graphs, weights and arrays are
our own work, Apache-2.0 like the repository.

`NAME.npz` holds `in_TENSOR` (what was fed) and `out_TENSOR` (float32), with `/`
in a tensor's name written as `_`. Compare each output against its own range.

| graph | what it exercises |
| --- | --- |
"""


def all_recipes() -> list[Recipe]:
    return [*spellings.recipes(), *serving.recipes()]


def readme(recipes: Sequence[Recipe]) -> str:
    head = INTRODUCTION.format(tensorflow=tf.__version__, numpy=np.__version__)
    rows = [f"| {r.file_name} | {r.what} |\n" for r in recipes]
    return head + "".join(rows)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("names", nargs="*", help="graphs to make; all by default")
    options = parser.parse_args(arguments)
    recipes = all_recipes()
    chosen = [r for r in recipes if not options.names or r.name in options.names]
    total = 0
    for recipe in chosen:
        size = write(make(recipe), recipe, options.output)
        total += size
        print(f"{recipe.file_name:44} {size:8} bytes")
    (options.output / "README.md").write_text(readme(recipes))
    print(f"{len(chosen)} graphs, {total} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
