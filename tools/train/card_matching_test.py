# SPDX-License-Identifier: Apache-2.0
"""Matching against evaluate.py, and counts on boxes placed by hand."""

from __future__ import annotations

import unittest

import numpy as np

from card_matching import (
    Boxes,
    FieldBoxes,
    best_at,
    confusion,
    hits,
    matches,
    middle_side,
    pooled,
    ratio_of,
    working_counts,
)
from evaluate import true_positives


def boxes(*entries: tuple[float, int, float]) -> Boxes:
    """Squares of 10 px in a row: x_min, class, score."""
    corners = np.array([(x, 0, x + 10, 10) for x, _, _ in entries], float)
    return Boxes(
        corners.reshape(-1, 4),
        np.array([c for _, c, _ in entries], int),
        np.array([s for _, _, s in entries], float),
    )


def field(truth: Boxes, found: Boxes, image_id: int = 1) -> FieldBoxes:
    return FieldBoxes(image_id, f"{image_id}.jpg", truth, found)


class CardMatchingTest(unittest.TestCase):
    def test_matches_are_those_of_evaluate(self) -> None:
        for seed in range(30):
            rng = np.random.default_rng(seed)
            places = rng.integers(0, 60, 40)
            truth = boxes(*((x, 1, 1.0) for x in places[:15]))
            found = boxes(*((x, 1, 0.5) for x in places[15:] + 1))
            taken = matches(found, truth)
            expected = true_positives(found.corners, truth.corners)
            np.testing.assert_array_equal(taken >= 0, expected)
            used = taken[taken >= 0]
            self.assertEqual(len(set(used.tolist())), len(used))

    def test_each_box_takes_the_best_free_truth(self) -> None:
        truth = boxes((0, 1, 1.0), (4, 1, 1.0))
        found = boxes((3, 1, 0.9), (3.5, 1, 0.8), (4, 1, 0.7))
        self.assertEqual(matches(found, truth).tolist(), [1, -1, -1])
        self.assertEqual(matches(boxes(), truth).tolist(), [])
        self.assertEqual(matches(found, boxes()).tolist(), [-1, -1, -1])

    def test_group_is_pooled_best_first(self) -> None:
        found = boxes((0, 2, 0.3), (1, 3, 0.6), (50, 1, 0.9), (80, 2, 0.7))
        kept = pooled(found, (2, 3))
        self.assertEqual(kept.scores.tolist(), [0.7, 0.6])
        self.assertEqual(kept.classes.tolist(), [2, 3])

    def test_middle_side_is_of_shown_boxes(self) -> None:
        wide = Boxes(np.array([[0.0, 0, 40, 10]]), np.array([1]), np.array([0.2]))
        self.assertEqual(middle_side([boxes((0, 1, 0.5)), wide]), 15.0)
        self.assertEqual(middle_side([boxes((0, 1, 0.19)), wide]), 20.0)
        self.assertEqual(middle_side([boxes()]), 0.0)

    def test_best_at_needs_half_of_the_union(self) -> None:
        others = boxes((3, 1, 0.9), (4, 2, 0.8))
        self.assertEqual(best_at(others.corners[1], others), 1)
        self.assertEqual(best_at(np.array([30.0, 0, 40, 10]), others), -1)
        self.assertEqual(best_at(others.corners[0], boxes()), -1)

    def test_counts_from_the_working_score_on(self) -> None:
        truth = boxes((0, 2, 1.0), (50, 2, 1.0), (90, 1, 1.0))
        found = boxes((0, 2, 0.2), (50, 3, 0.19), (90, 2, 0.8))
        fields = [field(truth, found), field(boxes(), boxes())]
        counts = [c.tolist() for c in working_counts(fields, (2, 3))]
        self.assertEqual(counts, [[2, 0], [1, 0], [2, 0]])
        self.assertEqual(hits(fields, (2, 3)), 2)

    def test_ratio_and_its_interval(self) -> None:
        same = ratio_of(np.array([1, 2, 3]), np.array([2, 4, 6]))
        self.assertEqual((same.value, same.low, same.high), (0.5, 0.5, 0.5))
        mixed = ratio_of(np.array([0, 4, 4]), np.array([4, 4, 8]))
        self.assertEqual(mixed.value, 0.5)
        self.assertLess(mixed.low, 0.3)
        self.assertGreater(mixed.high, 0.7)
        self.assertEqual(ratio_of(np.array([0]), np.array([0])).value, -1.0)

    def test_draws_without_truth_do_not_count(self) -> None:
        alone = ratio_of(np.array([1, 0, 0]), np.array([1, 0, 0]))
        self.assertEqual((alone.low, alone.high), (1.0, 1.0))

    def test_confusion_has_missed_and_extra(self) -> None:
        truth = boxes((0, 1, 1.0), (50, 2, 1.0), (90, 2, 1.0))
        found = boxes((0, 2, 0.6), (1, 1, 0.5), (50, 2, 0.4), (200, 1, 0.3))
        table = confusion([field(truth, found)], (1, 2))
        self.assertEqual(table.tolist(), [[0, 1, 0], [0, 1, 1], [1, 0, 0]])

    def test_confusion_leaves_low_scores_out(self) -> None:
        one = boxes((0, 1, 1.0))
        table = confusion([field(one, boxes((0, 1, 0.19)))], (1, 2))
        self.assertEqual(table.tolist(), [[0, 0, 1], [0, 0, 0], [0, 0, 0]])


if __name__ == "__main__":
    unittest.main()
