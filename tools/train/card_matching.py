# SPDX-License-Identifier: Apache-2.0
"""Which labelled cell a box finds; counts, confusion and intervals from that.

Boxes of a group are pooled as cyto8 eval pools them (NMS at IoU > 0.5 within
the group) and matched by falling score with the free truth of greatest IoU, at
least 0.5. model_card.py compares the counts with those of cyto8 eval. Tested by
card_matching_test.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluate import MATCH_IOU, iou_with, suppress

# Boxes from this score on are what the program shows by default.
WORKING_SCORE = 0.2
RESAMPLES = 1000
SEED = 1


@dataclass(frozen=True)
class Boxes:
    """N x 4 corners x_min, y_min, x_max, y_max in pixels of the file; class ids
    and scores (of truth: 1)."""

    corners: np.ndarray
    classes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def taken(self, index: np.ndarray) -> Boxes:
        return Boxes(self.corners[index], self.classes[index], self.scores[index])

    def of_classes(self, classes: Sequence[int]) -> Boxes:
        return self.taken(np.flatnonzero(np.isin(self.classes, classes)))


@dataclass(frozen=True)
class FieldBoxes:
    image_id: int
    file_name: str
    truth: Boxes
    found: Boxes


@dataclass(frozen=True)
class Ratio:
    """A share with the ends of its 95 % interval; -1 where there is none."""

    value: float
    low: float
    high: float


def pooled(found: Boxes, classes: Sequence[int]) -> Boxes:
    """The boxes of a group after suppression, best first; a class has had it."""
    chosen = found.of_classes(classes)
    if len(classes) == 1:
        return chosen.taken(np.argsort(-chosen.scores, kind="stable"))
    return chosen.taken(suppress(chosen.corners, chosen.scores))


def shown(found: Boxes) -> Boxes:
    return found.taken(np.flatnonzero(found.scores >= WORKING_SCORE))


def middle_side(found: Sequence[Boxes]) -> float:
    """The median of the sides, sqrt(area), from WORKING_SCORE on; 0: no box."""
    corners = np.concatenate([shown(boxes).corners for boxes in found])
    sides = np.sqrt((corners[:, 2:] - corners[:, :2]).prod(axis=1))
    return float(np.median(sides)) if len(sides) else 0.0


def matches(found: Boxes, truth: Boxes) -> np.ndarray:
    """Per box, best first: the number of the truth that it finds, or -1."""
    result = np.full(len(found), -1)
    free = np.ones(len(truth), bool)
    for i, box in enumerate(found.corners):
        overlap = np.where(free, iou_with(box, truth.corners), -1.0)
        if len(overlap) and overlap.max() >= MATCH_IOU:
            result[i] = np.flatnonzero(overlap == overlap.max())[-1]
            free[result[i]] = False
    return result


def best_at(corners: np.ndarray, others: Boxes) -> int:
    """The number of the box with the greatest IoU, at least 0.5; else -1."""
    if not len(others):
        return -1
    overlap = iou_with(corners, others.corners)
    return int(overlap.argmax()) if overlap.max() >= MATCH_IOU else -1


def hits(fields: Sequence[FieldBoxes], classes: Sequence[int]) -> int:
    """How many labelled cells of the group are found at any score."""
    return sum(
        int((matches(pooled(f.found, classes), f.truth.of_classes(classes)) >= 0).sum())
        for f in fields
    )


def working_counts(
    fields: Sequence[FieldBoxes], classes: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per field: labelled cells, those found, and boxes, from WORKING_SCORE on."""
    counts = []
    for field in fields:
        truth = field.truth.of_classes(classes)
        found = pooled(shown(field.found), classes)
        counts.append((len(truth), (matches(found, truth) >= 0).sum(), len(found)))
    truth, right, found = np.array(counts).T
    return truth, right, found


def ratio_of(parts: np.ndarray, wholes: np.ndarray) -> Ratio:
    """sum(parts) / sum(wholes); percentile bootstrap over fields."""
    if not wholes.sum():
        return Ratio(-1.0, -1.0, -1.0)
    draws = np.random.default_rng(SEED).integers(
        len(wholes), size=(RESAMPLES, len(wholes))
    )
    part, whole = parts[draws].sum(1), wholes[draws].sum(1)
    low, high = np.percentile((part / np.maximum(whole, 1))[whole > 0], [2.5, 97.5])
    return Ratio(parts.sum() / wholes.sum(), float(low), float(high))


def confusion(fields: Sequence[FieldBoxes], classes: Sequence[int]) -> np.ndarray:
    """Counts from WORKING_SCORE on: rows truth and extra, columns found and missed.

    All classes are pooled, so each cell has one box; truth is matched whatever
    its class.
    """
    place = {class_id: i for i, class_id in enumerate(classes)}
    table = np.zeros((len(classes) + 1, len(classes) + 1), np.int64)
    for field in fields:
        found = pooled(shown(field.found), classes)
        taken = matches(found, field.truth)
        for label, number in zip(found.classes, taken, strict=True):
            row = place[field.truth.classes[number]] if number >= 0 else -1
            table[row, place[label]] += 1
        for number in set(range(len(field.truth))) - set(taken.tolist()):
            table[place[field.truth.classes[number]], -1] += 1
    return table
