# SPDX-License-Identifier: Apache-2.0
"""The built graph against data/models/d2-cells.pb, which TensorFlow wrote."""

from __future__ import annotations

import pathlib
import unittest
from collections import Counter

import numpy as np
import torch

from graph_builder import (
    INPUT_NAME,
    OUTPUT_NAMES,
    GraphBuilder,
    as_half,
    load_from_graph,
)
from graph_def import DataType, Node, read_graph, write_graph
from model import EfficientDet, make_model

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


def _random_model() -> EfficientDet:
    torch.manual_seed(5)
    model = make_model("d0", 3)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    return model


def _is_kernel(node: Node) -> bool:
    return node.op == "Const" and node.name.endswith("kernel")


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
        for half in (False, True):
            model, other = _random_model(), make_model("d0", 3)
            content = write_graph(GraphBuilder(model, 512, 512, half).nodes)
            load_from_graph(other, read_graph(content))
            for key, value in model.state_dict().items():
                if half and value.dim() > 1:
                    value = value.half().float()
                self.assertTrue(torch.equal(value, other.state_dict()[key]), key)

    def test_half_adds_nodes_behind_the_kernels_only(self) -> None:
        model = _random_model()
        whole = {n.name: n for n in GraphBuilder(model, 512, 512).nodes}
        half = {n.name: n for n in GraphBuilder(model, 512, 512, half=True).nodes}
        kernels = {name for name, node in whole.items() if _is_kernel(node)}
        added = {f"{name}/half" for name in kernels}
        self.assertEqual(set(half) - set(whole), added)
        for name, node in whole.items():
            if name in kernels:
                types = {"SrcT": DataType(19), "DstT": DataType(1), "Truncate": False}
                node = Node(name, "Cast", [f"{name}/half"], types)
            self.assertEqual(_plain(node), _plain(half[name]), name)

    def test_half_ends_at_65504(self) -> None:
        as_half("k", np.array([-65504.0], np.float32))
        for value in (65600.0, -np.inf, np.nan):
            with self.assertRaisesRegex(ValueError, "^k: .* half precision ends at"):
                as_half("k", np.array([1.0, value], np.float32))

    def test_names_are_unique_and_defined_before_use(self) -> None:
        seen: set[str] = set()
        for node in GraphBuilder(make_model("d1", 6), 640, 640).nodes:
            self.assertNotIn(node.name, seen)
            self.assertLessEqual(set(node.inputs), seen, node.name)
            seen.add(node.name)
        self.assertLessEqual(set(OUTPUT_NAMES), seen)


if __name__ == "__main__":
    unittest.main()
