# SPDX-License-Identifier: Apache-2.0
"""Structure of the models: counts, shapes, rules of automl."""

from __future__ import annotations

import unittest

import torch

from model import (
    CONFIGS,
    block_configs,
    feature_blocks,
    make_model,
    max_pool_same,
    parameter_count,
    round_filters,
    same_padding,
)


class ModelTest(unittest.TestCase):
    def test_parameters_are_those_of_automl(self) -> None:
        for size, expected in (("d0", 3880067), ("d1", 6625898), ("d2", 8097039)):
            self.assertEqual(parameter_count(make_model(size, 90)), expected)
        self.assertEqual(parameter_count(make_model("d2", 6)), 8011611)

    def test_d2_blocks(self) -> None:
        blocks = block_configs(CONFIGS["d2"])
        self.assertEqual(feature_blocks(blocks), [7, 15, 22])
        self.assertEqual([blocks[i].channels_out for i in (7, 15, 22)], [48, 120, 352])
        self.assertEqual(blocks[22].channels_expanded, 2112)
        self.assertEqual(blocks[22].channels_squeezed, 88)

    def test_filters_never_lose_a_tenth(self) -> None:
        self.assertEqual(round_filters(32, 1.1), 32)
        self.assertEqual(round_filters(16, 1.1), 16)
        self.assertEqual(round_filters(320, 1.1), 352)
        self.assertEqual(round_filters(9, 1.0), 16)  # 8 would be below 90 %.

    def test_same_padding_is_tensorflows(self) -> None:
        self.assertEqual(same_padding(torch.zeros(1, 1, 8, 7), 3, 2), [1, 1, 0, 1])
        self.assertEqual(same_padding(torch.zeros(1, 1, 8, 7), 5, 2), [2, 2, 1, 2])
        self.assertEqual(same_padding(torch.zeros(1, 1, 8, 7), 5, 1), [2, 2, 2, 2])

    def test_max_pool_on_even_and_odd_sizes(self) -> None:
        even = torch.arange(16.0).reshape(1, 1, 4, 4)
        self.assertEqual(max_pool_same(even).tolist(), [[[[10, 11], [14, 15]]]])
        odd = -torch.arange(9.0).reshape(1, 1, 3, 3)
        self.assertEqual(max_pool_same(odd).tolist(), [[[[0, -1], [-3, -4]]]])

    def test_output_shapes(self) -> None:
        model = make_model("d0", 6).eval()
        with torch.no_grad():
            classes, boxes = model(torch.zeros(1, 3, 128, 256))
        self.assertEqual([tuple(x.shape) for x in classes][0], (1, 54, 16, 32))
        self.assertEqual([tuple(x.shape) for x in boxes][4], (1, 36, 1, 2))


if __name__ == "__main__":
    unittest.main()
