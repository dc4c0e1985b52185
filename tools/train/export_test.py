# SPDX-License-Identifier: Apache-2.0
"""GraphDef bytes, the card, ONNX; and cyto8 itself where it is built.

CYTO8_PROGRAM=build/release/app/cyto8 adds the comparison of raw outputs.
Also tests graph_def.py.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np
import onnxruntime
import torch

from export import card_text, export
from graph_builder import OUTPUT_NAMES
from graph_def import DataType, Node, Shape, read_graph, write_graph
from model import EfficientDet, make_model

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _lively_model() -> EfficientDet:
    """Random weights, batch norms with the statistics of data.

    Kernels are such as half precision holds.
    """
    torch.manual_seed(4)
    model = make_model("d0", 6)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(2, 3, 384, 384))
        for kernel in (p for p in model.parameters() if p.dim() > 1):
            kernel.copy_(kernel.half())
    return model.eval()


def _worst(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """Largest difference relative to the range of its tensor."""
    return max(
        float(np.abs(x - y).max() / np.ptp(y)) for x, y in zip(a, b, strict=True)
    )


class ExportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.holder.name)
        model = _lively_model()
        export(model, "trial", "A trial. " * 20, cls.folder, onnx=True)
        export(model, "half", "A trial.", cls.folder, half=True)
        cls.image = torch.randn(1, 3, 512, 512)
        with torch.no_grad():
            classes, boxes = model(cls.image)
        cls.outputs = [x.numpy() for x in (*classes, *boxes)]

    @classmethod
    def tearDownClass(cls) -> None:
        cls.holder.cleanup()

    def test_card_names_the_graph_and_its_hash(self) -> None:
        for name in ("trial", "half"):
            card = (self.folder / f"{name}.yaml").read_text()
            graph = (self.folder / f"{name}.pb").read_bytes()
            digest = hashlib.sha256(graph).hexdigest()
            self.assertIn(f"model: {name}.pb\nsha256: {digest}\n", card)
            self.assertLessEqual(max(map(len, card.splitlines())), 80)

    def test_card_is_that_of_the_repository(self) -> None:
        lines = (ROOT / "data/models/d2-cells.yaml").read_text().splitlines()
        ours = card_text("d2-cells", 768, "0" * 64, "x").splitlines()
        start, mine = lines.index("input:"), ours.index("input:")
        self.assertEqual(ours[mine:], lines[start:])
        self.assertEqual(ours[:4], lines[:4])

    def test_description_must_be_there(self) -> None:
        for text in (" ", "20 \u00b5m"):
            with self.assertRaisesRegex(ValueError, "description"):
                card_text("n", 512, "0" * 64, text)

    def test_onnx_gives_the_same_outputs(self) -> None:
        session = onnxruntime.InferenceSession(self.folder / "trial.onnx")
        outputs = session.run(None, {"input": self.image.numpy()})
        self.assertLess(_worst(outputs, self.outputs), 1e-3)

    def _cyto8_outputs(self, graph: str) -> list[np.ndarray]:
        image = self.folder / "image.npy"
        np.save(image, np.ascontiguousarray(self.image.permute(0, 2, 3, 1).numpy()))
        out = self.folder / f"{graph}_out"
        command = [os.environ["CYTO8_PROGRAM"], "graph", "run"]
        command += [str(self.folder / f"{graph}.pb"), "--input", f"input={image}"]
        subprocess.run([*command, "-o", str(out)], check=True)
        names = (name.replace("/", "_") for name in OUTPUT_NAMES)
        return [np.load(out / f"{name}.npy").transpose(0, 3, 1, 2) for name in names]

    @unittest.skipUnless("CYTO8_PROGRAM" in os.environ, "CYTO8_PROGRAM is not set")
    def test_cyto8_gives_the_same_outputs(self) -> None:
        whole = self._cyto8_outputs("trial")
        self.assertLess(_worst(whole, self.outputs), 1e-3)
        for a, b in zip(whole, self._cyto8_outputs("half"), strict=True):
            np.testing.assert_array_equal(a, b)

    @unittest.skipUnless("CYTO8_PROGRAM" in os.environ, "CYTO8_PROGRAM is not set")
    def test_cyto8_counts_the_parameters_of_both(self) -> None:
        command = [os.environ["CYTO8_PROGRAM"], "graph", "summarize"]
        counts = []
        for name in ("trial", "half"):
            graph = str(self.folder / f"{name}.pb")
            text = subprocess.check_output([*command, graph], text=True)
            counts.append(text[text.index("number of layers") :])
        self.assertIn("layers of unknown size: 0", counts[0])
        self.assertEqual(counts[0], counts[1])

    def test_half_is_half_the_bytes(self) -> None:
        whole, half = (
            (self.folder / f"{name}.pb").stat().st_size for name in ("trial", "half")
        )
        self.assertLess(half, 0.56 * whole)

    def test_every_kind_of_attribute_travels(self) -> None:
        attributes = {
            "a": b"SAME",
            "b": -3,
            "c": 0.5,
            "d": True,
            "e": False,
            "f": DataType(1),
            "g": Shape((1, -1, 3)),
            "h": [1, 2, 300],
            "i": [],
            "j": [DataType(1), DataType(3)],
            "k": np.array([1.5, -2], np.float32),
            "l": np.array(7, np.int32),
            "m": np.array([[1.5], [65504]], np.float16),
        }
        [node] = read_graph(write_graph([Node("n", "Op", ["x:1", "^y"], attributes)]))
        self.assertEqual((node.name, node.op, node.inputs), ("n", "Op", ["x:1", "^y"]))
        self.assertEqual(set(node.attributes), set(attributes))
        for key, value in attributes.items():
            np.testing.assert_equal(node.attributes[key], value)


if __name__ == "__main__":
    unittest.main()
