# SPDX-License-Identifier: Apache-2.0
"""The built graph against google/automl's, which TensorFlow froze."""

from __future__ import annotations

import lzma
import pathlib
import unittest
from collections import Counter

import numpy as np
import torch

from graph_builder import (
    OUTPUT_NAMES,
    GraphBuilder,
    as_half,
    load_from_graph,
)
from graph_def import DataType, Node, read_graph, write_graph
from graph_text import graph_text, node_line
from model import EfficientDet, make_model

ROOT = pathlib.Path(__file__).resolve().parents[2]
D2_GRAPH = ROOT / "data/models/d2-cells.pb"
AUTOML_D2 = ROOT / "data/golden/automl_d2.txt.xz"  # of graph_text.py.


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
        built = GraphBuilder(make_model("d2", 6), 768, 768)
        text = graph_text(built.nodes, built.sources)
        expected = lzma.decompress(AUTOML_D2.read_bytes()).decode()
        self.assertEqual(len(expected.splitlines()), len(built.nodes) - 1)
        self.assertEqual(text.splitlines(), expected.splitlines())

    def test_the_bundled_d2_is_byte_by_byte_what_is_built(self) -> None:
        bundled = D2_GRAPH.read_bytes()
        model = make_model("d2", 6)
        load_from_graph(model, read_graph(bundled))
        built = GraphBuilder(model, 768, 768, half=True)
        self.assertEqual(write_graph(built.nodes), bundled)

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
            self.assertEqual(node_line(node, ()), node_line(half[name], ()))

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
