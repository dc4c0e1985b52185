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
    Boxes,
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

    truth_class is None where no cell is labelled, found_class where no box is (the
    score is then 0). group_score: at which the group finds a missed cell.
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


def _failure(
    kind: str,
    field: FieldBoxes,
    corners: np.ndarray,
    truth_class: int | None,
    there: Boxes,
    group_score: float,
) -> Failure:
    """there: the box that was found, or none."""
    x_min, y_min, x_max, y_max = corners.tolist()
    return Failure(
        kind=kind,
        image_id=field.image_id,
        file_name=field.file_name,
        corners=(x_min, y_min, x_max, y_max),
        truth_class=truth_class,
        found_class=int(there.classes[0]) if len(there) else None,
        score=float(there.scores[0]) if len(there) else 0.0,
        group_score=group_score,
    )


def missed_cells(
    field: FieldBoxes, group: Sequence[int], classes: Sequence[int]
) -> list[Failure]:
    """classes: all; the box there is that which finds the cell with these pooled."""
    truth, found = field.truth, pooled(field.found, group)
    cells = np.flatnonzero(np.isin(truth.classes, group))
    taken = matches(found, truth.taken(cells))
    group_scores = np.zeros(len(cells))
    group_scores[taken[taken >= 0]] = found.scores[taken >= 0]
    others = pooled(shown(field.found), classes)
    owners = matches(others, truth)
    return [
        _failure(
            kind="missed",
            field=field,
            corners=truth.corners[cell],
            truth_class=int(truth.classes[cell]),
            there=others.taken(np.flatnonzero(owners == cell)),
            group_score=float(group_score),
        )
        for cell, group_score in zip(cells, group_scores, strict=True)
        if group_score < WORKING_SCORE
    ]


def wrong_boxes(field: FieldBoxes, group: Sequence[int]) -> list[Failure]:
    """The label there is that of the greatest IoU, at least 0.5."""
    found = pooled(shown(field.found), group)
    taken = matches(found, field.truth.of_classes(group))
    failures = []
    for number in np.flatnonzero(taken < 0):
        label = best_at(found.corners[number], field.truth)
        failures.append(
            _failure(
                kind="wrong",
                field=field,
                corners=found.corners[number],
                truth_class=int(field.truth.classes[label]) if label >= 0 else None,
                there=found.taken(np.array([number])),
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
