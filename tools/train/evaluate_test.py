# SPDX-License-Identifier: Apache-2.0
"""AP and NMS against pycocotools and plain loops."""

from __future__ import annotations

import contextlib
import io
import unittest

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from evaluate import (
    RawBoxes,
    average_precision,
    average_precisions,
    group_detections,
    iou_with,
    on_tile,
    suppress,
    true_positives,
)
from fields import Field


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.integers(0, 60, (count, 2))
    return np.concatenate([corner, corner + rng.integers(8, 20, (count, 2))], 1) * 1.0


def _coco_boxes(boxes: np.ndarray) -> list[list[float]]:
    return [[b[1], b[0], b[3] - b[1], b[2] - b[0]] for b in boxes.tolist()]


def _pycocotools_ap(images: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float:
    """images: truth, boxes, scores of each."""
    truth, found = [], []
    for image, (boxes, detections, scores) in enumerate(images, start=1):
        for box in _coco_boxes(boxes):
            truth.append({"id": len(truth) + 1, "image_id": image, "bbox": box})
        for box, score in zip(_coco_boxes(detections), scores.tolist(), strict=True):
            found.append({"image_id": image, "bbox": box, "score": score})
    for box in truth:
        area = box["bbox"][2] * box["bbox"][3]
        box.update({"category_id": 1, "iscrowd": 0, "area": area})
    for box in found:
        box["category_id"] = 1
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i + 1} for i in range(len(images))],
            "annotations": truth,
            "categories": [{"id": 1}],
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(found), "bbox")
        judge.params.iouThrs = np.array([0.5])
        judge.params.maxDets = [10000]
        judge.params.areaRng = [[0, 1e10]]
        judge.params.areaRngLbl = ["all"]
        judge.evaluate()
        judge.accumulate()
    return float(judge.eval["precision"].mean())


class EvaluateTest(unittest.TestCase):
    def test_average_precision_is_that_of_pycocotools(self) -> None:
        for seed in range(20):
            rng = np.random.default_rng(seed)
            images, scores, found, count = [], [], [], 0
            for _ in range(3):
                truth = _boxes(rng, 8)
                boxes = np.concatenate(
                    [truth[:5] + rng.integers(-3, 4, (5, 4)) * 1.0, _boxes(rng, 6)]
                )
                ordered = np.sort(rng.choice(200, 11, replace=False) / 200)[::-1]
                images.append((truth, boxes, ordered))
                scores.append(ordered)
                found.append(true_positives(boxes, truth))
                count += len(truth)
            got = average_precision(
                np.concatenate(scores), np.concatenate(found), count
            )
            self.assertAlmostEqual(got, _pycocotools_ap(images), 9, f"seed {seed}")

    def test_without_truth_or_detections(self) -> None:
        none = np.empty(0)
        self.assertEqual(average_precision(none, none.astype(bool), 0), -1)
        self.assertEqual(average_precision(none, none.astype(bool), 3), 0)

    def test_suppress_is_greedy(self) -> None:
        rng = np.random.default_rng(4)
        boxes, scores = _boxes(rng, 60), rng.random(60)
        kept: list[int] = []
        for i in np.argsort(-scores):
            if all(iou_with(boxes[j], boxes[i : i + 1])[0] <= 0.5 for j in kept):
                kept.append(int(i))
        self.assertEqual(suppress(boxes, scores).tolist(), kept)

    def test_group_score_is_the_largest_probability(self) -> None:
        raw = RawBoxes(
            np.array([[0, 0, 10, 10], [50, 50, 60, 60]], np.float32),
            np.array([[0.9, 0.2, 0.3], [0.0, 0.005, 0.0]], np.float32),
        )
        boxes, scores = group_detections(raw, (1, 2))
        self.assertEqual(boxes.tolist(), [[0, 0, 10, 10]])
        np.testing.assert_allclose(scores, [0.3])

    def test_boxes_are_compared_in_pixels_of_the_file(self) -> None:
        field = Field(
            "f",
            "val",
            0,
            np.zeros((50, 100, 3), np.uint8),
            np.array([[10, 5, 20, 15]], np.float32),
            np.array([2]),
            (200, 150),
        )
        raw = RawBoxes(
            np.array([[15, 20, 45, 40]], np.float32),
            np.array([[0, 0, 0.8, 0, 0, 0]], np.float32),
        )
        result = average_precisions([field], [raw])
        self.assertEqual(result["LSIL"], 1)
        self.assertEqual(result["low"], 1)
        self.assertEqual(result["high"], -1)

    def test_tile(self) -> None:
        image = np.zeros((130, 100, 3), np.uint8)
        self.assertEqual(on_tile(image, None).shape, (256, 128, 3))
        tile = on_tile(image, 768)
        self.assertEqual(tile.shape, (768, 768, 3))
        self.assertEqual(tile[130, 0, 0], 235)
        self.assertEqual(tile[129, 99, 0], 0)


if __name__ == "__main__":
    unittest.main()
