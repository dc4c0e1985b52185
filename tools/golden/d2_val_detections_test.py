# SPDX-License-Identifier: Apache-2.0
"""Tests of d2_val_detections.py: python -m unittest discover tools/golden."""

from __future__ import annotations

import json
import unittest

import numpy as np

import d2_val_detections
from d2_val_detections import FIELDS, ROOT, GraphDef, read_card, read_fields

CARD = ROOT / "data/models/d2-cells.yaml"
GOLDEN = ROOT / "data/golden/d2_val_detections.json"


class D2ValDetectionsTest(unittest.TestCase):
    def test_the_image_is_cut_at_stack_only_where_pixels_go_in(self) -> None:
        for names, expected in (
            (["input"], "input:0"),
            (["image_arrays", "stack"], "stack:0"),
        ):
            graph_def = GraphDef()
            for name in names:
                graph_def.node.add(name=name, op="Placeholder")
            self.assertEqual(d2_val_detections.input_name(graph_def), expected)

    def test_the_golden_file_is_of_the_bundled_model(self) -> None:
        golden = json.loads(GOLDEN.read_text())
        self.assertEqual(golden["sha256"], read_card(CARD).sha256)
        self.assertEqual(golden["tensorflow"], "2.15.1")

    def test_one_hot_anchor_is_one_box_in_pixels_of_the_file(self) -> None:
        card = read_card(CARD)
        field = read_fields(FIELDS, FIELDS / "fields.json")[0]
        heads = {}
        for level in range(3, 8):
            side = card.height_px >> level
            heads[f"class_{level}"] = np.full((1, side, side, 54), -9, np.float32)
            heads[f"box_{level}"] = np.zeros((1, side, side, 36), np.float32)
        heads["class_3"][0, 10, 20, 2] = 0  # first anchor: 32 px, LSIL
        (found,) = d2_val_detections.field_detections(heads, field, card)
        factor = np.array([1180 / 603, 941 / 481] * 2)
        expected = factor * (164 - 16, 84 - 16, 32, 32)
        np.testing.assert_allclose(found["bbox"], expected, atol=1e-3)
        self.assertEqual((found["image_id"], found["score"]), (1, 0.5))


if __name__ == "__main__":
    unittest.main()
