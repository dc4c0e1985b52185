# SPDX-License-Identifier: Apache-2.0
"""A network's graph as text: its nodes, but of its weights the shapes only.

    graph_text.py EXPORT.pb data/golden/automl_d2.txt.xz

keeps what graph_builder_test.py compares our D2 with. EXPORT.pb: a D2 for six
classes and 768 px with fixed batch that google/automl's model_inspect.py saved
and TensorFlow froze; kept is what leads from the normalised image to the ten
raw outputs. Tested by graph_builder_test.py.
"""

from __future__ import annotations

import lzma
import pathlib
import sys
from collections.abc import Collection

import numpy as np

from graph_builder import INPUT_NAME, OUTPUT_NAMES, GraphBuilder
from graph_def import Attribute, DataType, Node, Shape, read_graph
from model import make_model

SERVING_CUT = "stack"  # the normalised image in a graph that takes pixels.


def _reachable(nodes: Collection[Node]) -> list[Node]:
    """What the ten outputs need, without the image."""
    by_name = {node.name: node for node in nodes}
    found: dict[str, Node] = {}
    waiting = list(OUTPUT_NAMES)
    while waiting:
        name = waiting.pop()
        if name in found or name in (INPUT_NAME, SERVING_CUT):
            continue
        found[name] = by_name[name]
        waiting += [i.lstrip("^").split(":")[0] for i in by_name[name].inputs]
    return [found[name] for name in sorted(found)]


def _text(value: Attribute, is_weight: bool) -> str:
    if isinstance(value, np.ndarray):
        values = "weight" if is_weight else value.ravel().tolist()
        return f"{value.dtype}{list(value.shape)} {values}"
    if isinstance(value, DataType):
        return f"type {value.number}"
    if isinstance(value, Shape):
        return f"shape {value.sizes}"
    if isinstance(value, list):
        return f"[{', '.join(_text(element, False) for element in value)}]"
    return repr(value)


def node_line(node: Node, weights: Collection[str]) -> str:
    """Name, operator, inputs, attributes but for those of TensorFlow's own."""
    inputs = [INPUT_NAME if name == SERVING_CUT else name for name in node.inputs]
    attributes = [
        f"{key}={_text(value, node.name in weights)}"
        for key, value in sorted(node.attributes.items())
        if not key.startswith("_")
    ]
    return " ".join([node.name, node.op, str(inputs), *attributes])


def graph_text(nodes: Collection[Node], weights: Collection[str]) -> str:
    """A line for each node by name; weights: the constants that hold them."""
    return "".join(f"{node_line(node, weights)}\n" for node in _reachable(nodes))


def main() -> None:
    source, output = map(pathlib.Path, sys.argv[1:])
    weights = GraphBuilder(make_model("d2", 6), 768, 768).sources
    text = graph_text(read_graph(source.read_bytes()), weights)
    output.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
