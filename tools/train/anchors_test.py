# SPDX-License-Identifier: Apache-2.0
"""Anchors and matching against plain loops."""

from __future__ import annotations

import unittest

import torch

from anchors import (
    IGNORED,
    NEGATIVE,
    decode,
    encode,
    flatten_outputs,
    iou_matrix,
    make_anchors,
    match,
)


def _iou(a: list[float], b: list[float]) -> float:
    height = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    width = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return height * width / (sum(areas) - height * width)


def _naive_classes(anchors, boxes, classes, ignored, usable):  # noqa: ANN001, ANN202
    """The rule of match(), said once more, anchor by anchor."""
    best_of_box = [
        max(range(len(anchors)), key=lambda i, b=b: (_iou(anchors[i], b), -i))
        for b in boxes
    ]
    out = []
    for i, anchor in enumerate(anchors):
        ious = [_iou(anchor, box) for box in boxes]
        best = max(ious, default=0.0)
        forced = [n for n, j in enumerate(best_of_box) if i == j and ious[n] > 0]
        if forced:
            out.append(classes[forced[-1]])
        elif best >= 0.5:
            out.append(classes[ious.index(best)])
        elif best >= 0.4 or not usable[i]:
            out.append(IGNORED)
        elif any(_iou(anchor, box) >= 0.4 for box in ignored):
            out.append(IGNORED)
        else:
            out.append(NEGATIVE)
    return out


class AnchorsTest(unittest.TestCase):
    def test_count_and_first_anchors_of_d2(self) -> None:
        anchors = make_anchors(768, 768)
        self.assertEqual(len(anchors), 110484)
        self.assertEqual(anchors[0].tolist(), [-12, -12, 20, 20])
        tall = torch.tensor([4 - 16 / 2**0.5, 4 - 16 * 2**0.5])
        torch.testing.assert_close(anchors[1][:2], tall)  # wide: x over y is 2.

    def test_decode_undoes_encode(self) -> None:
        torch.manual_seed(1)
        anchors = make_anchors(128, 128)
        boxes = anchors + torch.rand(len(anchors), 4)
        again = decode(encode(boxes, anchors), anchors)
        torch.testing.assert_close(again, boxes, atol=1e-3, rtol=1e-4)

    def test_iou_matrix(self) -> None:
        a = torch.tensor([[0.0, 0, 2, 2], [5, 5, 6, 6]])
        b = torch.tensor([[1.0, 1, 3, 3]])
        torch.testing.assert_close(iou_matrix(a, b), torch.tensor([[1 / 7], [0.0]]))

    def test_match_equals_the_naive_rule(self) -> None:
        anchors = make_anchors(128, 128)
        for seed in range(6):
            torch.manual_seed(seed)
            corner = torch.rand(5, 2) * 100
            boxes = torch.cat([corner, corner + 20 + 30 * torch.rand(5, 2)], 1)
            classes = torch.randint(0, 6, (3,))
            usable = torch.rand(len(anchors)) > 0.2
            got = match(anchors, boxes[:3], classes, boxes[3:], usable)
            expected = _naive_classes(
                anchors.tolist(),
                boxes[:3].tolist(),
                classes.tolist(),
                boxes[3:].tolist(),
                usable.tolist(),
            )
            self.assertEqual(got.classes.tolist(), expected, f"seed {seed}")
            positive = got.classes >= 0
            self.assertTrue((got.deltas[~positive] == 0).all())

    def test_no_boxes(self) -> None:
        anchors = make_anchors(128, 128)
        none = torch.zeros(0, 4)
        usable = torch.ones(len(anchors), dtype=torch.bool)
        got = match(anchors, none, torch.zeros(0, dtype=torch.long), none, usable)
        self.assertTrue((got.classes == NEGATIVE).all())

    def test_flatten_orders_y_x_anchor(self) -> None:
        x = torch.arange(2 * 18 * 3 * 4.0).reshape(2, 18, 3, 4)
        flat = flatten_outputs([x], 2)
        self.assertEqual(tuple(flat.shape), (2, 3 * 4 * 9, 2))
        self.assertEqual(flat[1, (2 * 4 + 3) * 9 + 5, 1], x[1, 5 * 2 + 1, 2, 3])


if __name__ == "__main__":
    unittest.main()
