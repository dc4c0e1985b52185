# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden graphs' maker: python -m unittest discover tools/golden."""

from __future__ import annotations

import pathlib
import tempfile
import unittest
from collections.abc import Callable

import numpy as np
import tensorflow as tf

import make_graphs
import serving
import spellings
from golden_graph import Built, make, write

Upsample = Callable[[tf.Tensor, int], tf.Tensor]


def _recipe(name: str) -> make_graphs.Recipe:
    return next(r for r in make_graphs.all_recipes() if r.name == name)


class MakeGraphsTest(unittest.TestCase):
    def test_names_are_unique(self) -> None:
        names = [recipe.name for recipe in make_graphs.all_recipes()]
        self.assertEqual(len(names), len(set(names)))

    def test_making_twice_gives_the_same_bytes(self) -> None:
        for name in ("swish_function", "swish_partitioned_call", "serving_top"):
            with self.subTest(name):
                first, second = make(_recipe(name)), make(_recipe(name))
                self.assertEqual(first.graph, second.graph)
                for key, values in first.arrays.items():
                    np.testing.assert_array_equal(values, second.arrays[key])

    def test_upsampling_spellings_agree_with_numpy(self) -> None:
        x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
        expected = x.repeat(2, 1).repeat(2, 2)
        for upsample in (spellings.resize_nearest, spellings.reshape_ones):
            recipe = _recipe("upsample_resize_nearest")
            built = make_graphs.Recipe(
                "up", "", lambda w, up=upsample: _upsample_built(up, x), recipe.rewrite
            )
            [value] = [v for k, v in make(built).arrays.items() if k.startswith("out_")]
            np.testing.assert_array_equal(value, expected)

    def test_anchors_cover_every_cell(self) -> None:
        boxes = serving.anchors((64, 48))
        cells = 8 * 6 + 4 * 3 + 2 * 2
        self.assertEqual(boxes.shape, (cells * 9, 4))
        np.testing.assert_allclose(boxes[0], [-4, -4, 12, 12])

    def test_files_hold_inputs_and_outputs(self) -> None:
        recipe = _recipe("serving_hard")
        with tempfile.TemporaryDirectory() as folder:
            write(make(recipe), recipe, pathlib.Path(folder))
            arrays = np.load(pathlib.Path(folder) / "serving_hard.npz")
            self.assertIn("in_image_arrays", arrays)
            self.assertEqual(arrays["out_detections"].shape, (1, 100, 7))
            self.assertEqual(arrays["out_detections"].dtype, np.float32)

    def test_readme_names_every_graph(self) -> None:
        text = make_graphs.readme(make_graphs.all_recipes())
        for recipe in make_graphs.all_recipes():
            self.assertIn(f"| {recipe.file_name} |", text)


def _upsample_built(upsample: Upsample, x: np.ndarray) -> Built:
    placeholder = spellings.float_input("input", x.shape)
    return Built({"input:0": x}, [upsample(placeholder, 2).name])


if __name__ == "__main__":
    unittest.main()
