# SPDX-License-Identifier: Apache-2.0
"""The built graph against data/models/d2-cells.pb, which TensorFlow wrote."""

from __future__ import annotations

import pathlib
import unittest
from collections import Counter

import numpy as np
import torch

from graph_builder import INPUT_NAME, OUTPUT_NAMES, GraphBuilder, load_from_graph
from graph_def import Node, read_graph, write_graph
from model import make_model

ROOT = pathlib.Path(__file__).resolve().parents[2]
D2_GRAPH = ROOT / "data/models/d2-cells.pb"
D2_CUT = "stack"  # the normalised image in the serving graph.


def _reachable(nodes: list[Node]) -> dict[str, Node]:
    """What the ten outputs need, the serving graph's image being the input."""
    by_name = {node.name: node for node in nodes}
    found: dict[str, Node] = {}
    waiting = list(OUTPUT_NAMES)
    while waiting:
        name = waiting.pop()
        if name in found or name in (INPUT_NAME, D2_CUT):
            continue
        found[name] = by_name[name]
        waiting += [i.lstrip("^").split(":")[0] for i in by_name[name].inputs]
    return found


def _plain(node: Node) -> tuple:
    inputs = [INPUT_NAME if name == D2_CUT else name for name in node.inputs]
    attributes = {
        key: (value.dtype, value.shape, value.tobytes())
        if isinstance(value, np.ndarray)
        else value
        for key, value in node.attributes.items()
        if not key.startswith("_")
    }
    return node.op, inputs, attributes


class GraphBuilderTest(unittest.TestCase):
    def test_d2_is_node_by_node_that_of_automl(self) -> None:
        genuine = read_graph(D2_GRAPH.read_bytes())
        model = make_model("d2", 6)
        load_from_graph(model, genuine)
        built = GraphBuilder(model, 768, 768).nodes
        expected, got = _reachable(genuine), _reachable(built)
        self.assertEqual(set(expected), set(got))
        self.assertEqual(len(got) + 1, len(built))
        for name, node in expected.items():
            self.assertEqual(_plain(node), _plain(got[name]), name)

    def test_d0_has_the_documented_operators(self) -> None:
        nodes = GraphBuilder(make_model("d0", 90), 512, 512).nodes
        counts = Counter(node.op for node in nodes)
        self.assertEqual(counts["Conv2D"], 134)
        self.assertEqual(counts["DepthwiseConv2dNative"], 80)
        self.assertEqual(counts["FusedBatchNormV3"], 108)
        self.assertEqual(counts["MaxPool"], 14)
        self.assertEqual(counts["ResizeNearestNeighbor"], 12)

    def test_every_weight_travels_through_bytes(self) -> None:
        torch.manual_seed(5)
        model, other = make_model("d0", 3), make_model("d0", 3)
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)
        content = write_graph(GraphBuilder(model, 512, 512).nodes)
        load_from_graph(other, read_graph(content))
        for key, value in other.state_dict().items():
            self.assertTrue(torch.equal(value, model.state_dict()[key]), key)

    def test_names_are_unique_and_defined_before_use(self) -> None:
        seen: set[str] = set()
        for node in GraphBuilder(make_model("d1", 6), 640, 640).nodes:
            self.assertNotIn(node.name, seen)
            self.assertLessEqual(set(node.inputs), seen, node.name)
            seen.add(node.name)
        self.assertLessEqual(set(OUTPUT_NAMES), seen)


if __name__ == "__main__":
    unittest.main()
