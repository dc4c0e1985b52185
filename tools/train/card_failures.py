# SPDX-License-Identifier: Apache-2.0
"""The worst failures of a group, chosen by rule.

Missed: labelled cells that no box of the group finds at WORKING_SCORE, those
found at the lowest score first (0: not at all), then those that another class
took with the highest score. Wrong: boxes of the group at WORKING_SCORE that find
no labelled cell of it, the highest score first. At most PER_FIELD of each kind
from a field, and no cell or box twice. Tested by card_failures_test.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from card_matching import (
    WORKING_SCORE,
    FieldBoxes,
    best_at,
    matches,
    pooled,
    shown,
)

PER_FIELD = 2
KINDS = ("missed", "wrong")


@dataclass(frozen=True)
class Failure:
    """corners of the cell (missed) or the box (wrong) in pixels of the file.

    found_class and score are of the box there, of any class if missed; None and
    0 where there is none. group_score: at which the group finds a missed cell.
    """

    kind: str
    image_id: int
    file_name: str
    corners: tuple[float, float, float, float]
    truth_class: int | None
    found_class: int | None
    score: float
    group_score: float

    @property
    def key(self) -> tuple:
        return self.kind, self.image_id, self.corners


def _corners(row: np.ndarray) -> tuple[float, float, float, float]:
    x_min, y_min, x_max, y_max = (float(x) for x in row)
    return x_min, y_min, x_max, y_max


def missed_cells(
    field: FieldBoxes, group: Sequence[int], classes: Sequence[int]
) -> list[Failure]:
    truth, found = field.truth.of_classes(group), pooled(field.found, group)
    group_scores = np.zeros(len(truth))
    taken = matches(found, truth)
    group_scores[taken[taken >= 0]] = found.scores[taken >= 0]
    others = pooled(shown(field.found), classes)
    failures = []
    for number in np.flatnonzero(group_scores < WORKING_SCORE):
        there = best_at(truth.corners[number], others)
        failures.append(
            Failure(
                kind="missed",
                image_id=field.image_id,
                file_name=field.file_name,
                corners=_corners(truth.corners[number]),
                truth_class=int(truth.classes[number]),
                found_class=int(others.classes[there]) if there >= 0 else None,
                score=float(others.scores[there]) if there >= 0 else 0.0,
                group_score=float(group_scores[number]),
            )
        )
    return failures


def wrong_boxes(field: FieldBoxes, group: Sequence[int]) -> list[Failure]:
    found = pooled(shown(field.found), group)
    taken = matches(found, field.truth.of_classes(group))
    failures = []
    for number in np.flatnonzero(taken < 0):
        there = best_at(found.corners[number], field.truth)
        failures.append(
            Failure(
                kind="wrong",
                image_id=field.image_id,
                file_name=field.file_name,
                corners=_corners(found.corners[number]),
                truth_class=int(field.truth.classes[there]) if there >= 0 else None,
                found_class=int(found.classes[number]),
                score=float(found.scores[number]),
                group_score=float(found.scores[number]),
            )
        )
    return failures


def _badness(failure: Failure) -> tuple:
    """Sorts the worst first; ties by field and place."""
    first = failure.group_score if failure.kind == "missed" else 0.0
    return first, -failure.score, failure.image_id, failure.corners


def worst(failures: Sequence[Failure], count: int, but: set[tuple]) -> list[Failure]:
    """The first `count`; `but` holds the keys of those already shown."""
    chosen: list[Failure] = []
    for failure in sorted(failures, key=_badness):
        of_field = sum(other.image_id == failure.image_id for other in chosen)
        if len(chosen) < count and of_field < PER_FIELD and failure.key not in but:
            chosen.append(failure)
    return chosen


def failure_rows(
    fields: Sequence[FieldBoxes],
    groups: dict[str, Sequence[int]],
    classes: Sequence[int],
    count: int,
) -> dict[tuple[str, str], list[Failure]]:
    """By kind and group, in this order, `count` of each at most."""
    rows, but = {}, set()
    for kind in KINDS:
        for name, group in groups.items():
            failures = [
                failure
                for field in fields
                for failure in (
                    missed_cells(field, group, classes)
                    if kind == "missed"
                    else wrong_boxes(field, group)
                )
            ]
            rows[kind, name] = worst(failures, count, but)
            but |= {failure.key for failure in rows[kind, name]}
    return rows
