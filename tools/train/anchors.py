# SPDX-License-Identifier: Apache-2.0
"""Anchors, matching and box coding as in google/automl's efficientdet.

Reference: tf2/anchors.py. Boxes here are y_min, x_min, y_max, x_max, deltas
ty, tx, th, tw; order of anchors: level, y, x, octave, aspect. Tested by
anchors_test.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

MIN_LEVEL, MAX_LEVEL = 3, 7
OCTAVES = 3
ASPECTS = (1.0, 2.0, 0.5)
ANCHOR_SCALE = 4.0
MATCHED_IOU = 0.5
IGNORED_IOU = 0.4
NEGATIVE, IGNORED = -1, -2


def _level_anchors(level: int, height: int, width: int) -> torch.Tensor:
    stride = 2**level
    rows, columns = math.ceil(height / stride), math.ceil(width / stride)
    y = (torch.arange(rows) + 0.5) * (height / rows)
    x = (torch.arange(columns) + 0.5) * (width / columns)
    halves = []
    for octave in range(OCTAVES):
        base = ANCHOR_SCALE * stride * 2 ** (octave / OCTAVES)
        for aspect in ASPECTS:
            wide = math.sqrt(aspect)
            halves.append((base / wide / 2, base * wide / 2))
    half = torch.tensor(halves)
    centre = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1)
    centre = centre[:, :, None, :]
    return torch.cat([centre - half, centre + half], -1).reshape(-1, 4)


def make_anchors(height: int, width: int) -> torch.Tensor:
    """Anchors x 4 for an image of that size, a multiple of 128 each."""
    levels = range(MIN_LEVEL, MAX_LEVEL + 1)
    return torch.cat([_level_anchors(level, height, width) for level in levels])


def iou_matrix(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """len(a) x len(b)."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = (high - low).clamp(min=0).prod(-1)
    area_a = (a[:, 2:] - a[:, :2]).prod(-1)
    area_b = (b[:, 2:] - b[:, :2]).prod(-1)
    return overlap / (area_a[:, None] + area_b[None, :] - overlap)


def encode(boxes: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, 2:] + anchors[:, :2]) / 2
    box_size = boxes[:, 2:] - boxes[:, :2]
    box_centre = (boxes[:, 2:] + boxes[:, :2]) / 2
    return torch.cat([(box_centre - centre) / size, (box_size / size).log()], -1)


def decode(deltas: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, 2:] + anchors[:, :2]) / 2
    box_centre = deltas[..., :2] * size + centre
    half = deltas[..., 2:].exp() * size / 2
    return torch.cat([box_centre - half, box_centre + half], -1)


@dataclass(frozen=True)
class Match:
    """Per anchor: class or NEGATIVE or IGNORED; deltas where a class is."""

    classes: torch.Tensor
    deltas: torch.Tensor


def match(
    anchors: torch.Tensor,
    boxes: torch.Tensor,
    classes: torch.Tensor,
    ignored_boxes: torch.Tensor,
    usable: torch.Tensor,
) -> Match:
    """Assigns boxes to anchors.

    An anchor takes the box of greatest IoU from MATCHED_IOU on; the best anchor
    of a box takes it in any case. Ignored are other anchors from IGNORED_IOU on,
    with a box or an ignored box, and background where usable (per anchor) is
    false.
    """
    assigned = torch.where(usable, NEGATIVE, IGNORED)
    if len(ignored_boxes):
        near = iou_matrix(anchors, ignored_boxes).amax(1) >= IGNORED_IOU
        assigned[near] = IGNORED
    deltas = torch.zeros(len(anchors), 4)
    if not len(boxes):
        return Match(assigned, deltas)
    iou = iou_matrix(anchors, boxes)
    best, index = iou.max(1)
    assigned[best >= IGNORED_IOU] = IGNORED
    positive = best >= MATCHED_IOU
    forced_iou, forced = iou.max(0)
    reached = forced_iou > 0
    positive[forced[reached]] = True
    index[forced[reached]] = torch.arange(len(boxes))[reached]
    assigned[positive] = classes[index[positive]]
    deltas[positive] = encode(boxes[index[positive]], anchors[positive])
    return Match(assigned, deltas)


def flatten_outputs(outputs: list[torch.Tensor], width: int) -> torch.Tensor:
    """Maps N x (9 * width) x H x W of all levels -> N x anchors x width."""
    flat = [x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, width) for x in outputs]
    return torch.cat(flat, 1)
