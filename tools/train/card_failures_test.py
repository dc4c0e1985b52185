# SPDX-License-Identifier: Apache-2.0
"""What is a failure, and which ones are shown."""

from __future__ import annotations

import unittest

from card_failures import Failure, failure_rows, missed_cells, worst, wrong_boxes
from card_matching_test import boxes, field

CLASSES = (1, 2, 3)
GROUP = (2, 3)


def _failure(kind: str, image: int, place: float, **scores: float) -> Failure:
    corners = (place, 0.0, place + 10, 10.0)
    scores = {"score": 0.0, "group_score": 0.0} | scores
    return Failure(kind, image, f"{image}.jpg", corners, 2, 1, **scores)


class CardFailuresTest(unittest.TestCase):
    def test_missed_are_cells_below_the_working_score(self) -> None:
        truth = boxes((0, 2, 1.0), (50, 3, 1.0), (90, 2, 1.0), (150, 1, 1.0))
        found = boxes((0, 2, 0.5), (50, 2, 0.1), (50, 1, 0.7))
        low, none = missed_cells(field(truth, found), GROUP, CLASSES)
        self.assertEqual((low.truth_class, low.found_class), (3, 1))
        self.assertEqual((low.group_score, low.score), (0.1, 0.7))
        self.assertEqual(low.corners, (50.0, 0.0, 60.0, 10.0))
        self.assertEqual((none.truth_class, none.found_class), (2, None))
        self.assertEqual((none.group_score, none.score), (0.0, 0.0))

    def test_wrong_are_boxes_that_find_no_cell_of_the_group(self) -> None:
        truth = boxes((0, 2, 1.0), (50, 1, 1.0))
        found = boxes((0, 3, 0.9), (50, 2, 0.8), (90, 3, 0.3), (150, 2, 0.1))
        normal, nothing = wrong_boxes(field(truth, found), GROUP)
        self.assertEqual((normal.truth_class, normal.found_class), (1, 2))
        self.assertEqual(normal.score, 0.8)
        self.assertEqual((nothing.truth_class, nothing.found_class), (None, 3))
        self.assertEqual(nothing.corners, (90.0, 0.0, 100.0, 10.0))

    def test_worst_wrong_have_the_highest_score(self) -> None:
        scores = {"a": 0.3, "b": 0.9, "c": 0.6}
        failures = [
            _failure("wrong", i, 0, score=s, group_score=s)
            for i, s in enumerate(scores.values())
        ]
        chosen = worst(failures, 2, set())
        self.assertEqual([failure.score for failure in chosen], [0.9, 0.6])

    def test_worst_missed_are_found_last_then_called_something_else(self) -> None:
        failures = [
            _failure("missed", 1, 0, group_score=0.1, score=0.9),
            _failure("missed", 2, 0, group_score=0.0, score=0.3),
            _failure("missed", 3, 0, group_score=0.0, score=0.8),
        ]
        chosen = worst(failures, 3, set())
        self.assertEqual([failure.image_id for failure in chosen], [3, 2, 1])

    def test_two_of_a_field_and_none_twice(self) -> None:
        failures = [_failure("missed", 1, float(x)) for x in range(4)]
        failures.append(_failure("missed", 2, 0.0))
        chosen = worst(failures, 5, {failures[0].key})
        places = [(failure.image_id, failure.corners[0]) for failure in chosen]
        self.assertEqual(places, [(1, 1.0), (1, 2.0), (2, 0.0)])

    def test_order_of_the_input_does_not_matter(self) -> None:
        failures = [_failure("missed", i % 3, float(i)) for i in range(9)]
        self.assertEqual(worst(failures, 4, set()), worst(failures[::-1], 4, set()))

    def test_rows_hold_each_failure_once(self) -> None:
        truth, found = boxes((0, 3, 1.0), (50, 2, 1.0)), boxes((90, 3, 0.5))
        groups = {"high": (3,), "abnormal": GROUP}
        rows = failure_rows([field(truth, found)], groups, CLASSES, 6)
        places = {row: [f.corners[0] for f in found] for row, found in rows.items()}
        self.assertEqual(
            places,
            {
                ("missed", "high"): [0.0],
                ("missed", "abnormal"): [50.0],
                ("wrong", "high"): [90.0],
                ("wrong", "abnormal"): [],
            },
        )


if __name__ == "__main__":
    unittest.main()
