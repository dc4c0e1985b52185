# SPDX-License-Identifier: Apache-2.0
"""Losses against a computation number by number."""

from __future__ import annotations

import math
import unittest

import torch

from anchors import IGNORED, NEGATIVE
from losses import box_loss, detection_loss, focal_loss


def _naive_focal(logits: list[list[float]], classes: list[int]) -> float:
    total = 0.0
    for row, wanted in zip(logits, classes, strict=True):
        if wanted == IGNORED:
            continue
        for number, logit in enumerate(row):
            p = 1 / (1 + math.exp(-logit))
            if number == wanted:
                total += -0.25 * (1 - p) ** 1.5 * math.log(p)
            else:
                total += -0.75 * p**1.5 * math.log(1 - p)
    return total


class LossesTest(unittest.TestCase):
    def setUp(self) -> None:
        torch.manual_seed(2)
        self.logits = torch.randn(2, 5, 3) * 3
        self.classes = torch.tensor(
            [[0, 2, NEGATIVE, IGNORED, 1], [NEGATIVE, NEGATIVE, IGNORED, 2, 0]]
        )

    def test_focal_loss(self) -> None:
        expected = _naive_focal(
            self.logits.reshape(-1, 3).tolist(), self.classes.reshape(-1).tolist()
        )
        self.assertAlmostEqual(
            focal_loss(self.logits, self.classes).item(), expected, places=4
        )

    def test_box_loss(self) -> None:
        deltas = torch.tensor([[[0.05, 1.0, 0.0, -0.3], [9, 9, 9, 9]]])
        classes = torch.tensor([[1, NEGATIVE]])
        got = box_loss(deltas, torch.zeros(1, 2, 4), classes)
        # 0.5 d d / beta below beta = 0.1, |d| - beta / 2 above.
        self.assertAlmostEqual(got.item(), 0.0125 + 0.95 + 0.25, places=6)

    def test_normalised_by_matched_anchors(self) -> None:
        deltas = torch.randn(2, 5, 4)
        targets = torch.randn(2, 5, 4)
        class_part, box_part = detection_loss(
            self.logits, deltas, self.classes, targets
        )
        focal = focal_loss(self.logits, self.classes)
        boxes = box_loss(deltas, targets, self.classes)
        self.assertAlmostEqual(class_part.item(), focal.item() / 6, places=5)
        self.assertAlmostEqual(box_part.item(), boxes.item() * 5 / 20, places=4)

    def test_nothing_matched_is_finite(self) -> None:
        classes = torch.full((2, 5), NEGATIVE)
        parts = detection_loss(
            self.logits, torch.zeros(2, 5, 4), classes, torch.zeros(2, 5, 4)
        )
        self.assertEqual(parts[1].item(), 0)
        self.assertTrue(math.isfinite(parts[0].item()))


if __name__ == "__main__":
    unittest.main()
