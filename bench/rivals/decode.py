# SPDX-License-Identifier: Apache-2.0
"""From the ten heads to boxes: anchors, decoding, NMS and AP50, in numpy.

Written anew from google/automl's rules, so that it shares no fault with ours.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from card import LEVELS, Card


def anchors(card: Card) -> np.ndarray:
    """N x 4 (y, x centre, height, width) by level, y, x, octave, aspect."""
    levels = []
    height, width = card.height_px, card.width_px
    for level in range(1, max(LEVELS) + 1):
        height, width = (height + 1) // 2, (width + 1) // 2
        if level in LEVELS:
            levels.append(_level_anchors(card, height, width))
    return np.concatenate(levels)


def _level_anchors(card: Card, height: int, width: int) -> np.ndarray:
    stride = card.height_px / height, card.width_px / width
    octaves = 2.0 ** (np.arange(card.num_scales) / card.num_scales)
    root = np.sqrt(np.asarray(card.aspect_ratios))
    sides = [
        (card.anchor_scale * stride[0] * o / r, card.anchor_scale * stride[1] * o * r)
        for o in octaves
        for r in root
    ]
    y = (np.arange(height) + 0.5) * stride[0]
    x = (np.arange(width) + 0.5) * stride[1]
    grid = np.stack(np.meshgrid(y, x, indexing="ij"), -1).reshape(-1, 1, 2)
    both = np.broadcast_arrays(grid, np.asarray(sides)[np.newaxis])
    return np.concatenate(both, -1).reshape(-1, 4)


@dataclasses.dataclass(frozen=True)
class Decoded:
    """Boxes x_min, y_min, x_max, y_max in tile pixels; a score per class."""

    boxes: np.ndarray
    scores: np.ndarray


def decode(heads: dict[str, np.ndarray], card: Card, score_above: float) -> Decoded:
    """Every anchor with a class above the score; nothing suppressed."""
    classes = len(card.class_ids)
    logits = [heads[f"class_{level}"].reshape(-1, classes) for level in LEVELS]
    codes = [heads[f"box_{level}"].reshape(-1, 4) for level in LEVELS]
    logit = np.concatenate(logits).astype(np.float64)
    keep = logit.max(1) > math.log(score_above / (1 - score_above))
    anchor = anchors(card)[keep]
    code = np.concatenate(codes).astype(np.float64)[keep]
    centre = code[:, :2] * anchor[:, 2:] + anchor[:, :2]
    half = np.exp(code[:, 2:]) * anchor[:, 2:] / 2
    boxes = np.concatenate([centre - half, centre + half], 1)[:, [1, 0, 3, 2]]
    return Decoded(boxes, 1 / (1 + np.exp(-logit[keep])))


def iou(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Of one box with many; half-open boxes."""
    inner = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = np.clip(inner, 0, None).prod(1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return both / np.maximum((box[2:] - box[:2]).prod() + area - both, 1e-12)


def hard_nms(boxes: np.ndarray, scores: np.ndarray, above: float = 0.5) -> list[int]:
    """Indices of the boxes kept, by falling score; ties by lower index."""
    order = np.argsort(-scores, kind="stable")
    columns = np.vstack([boxes[order].T, order])
    kept = []
    while columns.shape[1]:
        x_min, y_min, x_max, y_max, index = columns
        kept.append(int(index[0]))
        width = np.minimum(x_max, x_max[0]) - np.maximum(x_min, x_min[0])
        height = np.minimum(y_max, y_max[0]) - np.maximum(y_min, y_min[0])
        both = np.maximum(width, 0) * np.maximum(height, 0)
        area = (x_max - x_min) * (y_max - y_min)
        apart = both <= above * (area + area[0] - both)
        apart[0] = False
        columns = columns[:, apart]
    return kept


Scored = tuple[np.ndarray, np.ndarray]  # boxes, scores


def group_boxes(decoded: Decoded, columns: list[int], score_above: float) -> Scored:
    """Score of a box = its largest probability in the group; NMS 0.5 there."""
    score = decoded.scores[:, columns].max(1)
    chosen = score > score_above
    boxes, score = decoded.boxes[chosen], score[chosen]
    kept = hard_nms(boxes, score)
    return boxes[kept], score[kept]


def _hits(found: Scored, truth: np.ndarray) -> np.ndarray:
    """For each box, by falling score: did it take a free truth box?"""
    free = np.ones(len(truth), bool)
    hits = np.zeros(len(found[1]), bool)
    for i, box in enumerate(found[0]):
        overlap = np.where(free, iou(box, truth), 0) if len(truth) else np.zeros(1)
        best = int(overlap.argmax())
        if overlap[best] >= 0.5:
            free[best] = False
            hits[i] = True
    return hits


def average_precision_50(found: list[Scored], truth: list[np.ndarray]) -> float:
    """Over all images: IoU 0.5, 101 points, as pycocotools; NaN without truth."""
    total = sum(len(boxes) for boxes in truth)
    if total == 0:
        return math.nan
    hits = np.concatenate([_hits(f, t) for f, t in zip(found, truth, strict=True)])
    order = np.argsort(-np.concatenate([f[1] for f in found]), kind="stable")
    true = np.cumsum(hits[order])
    recall = true / total
    precision = true / np.arange(1, len(true) + 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)
    points = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(envelope[points].mean())
