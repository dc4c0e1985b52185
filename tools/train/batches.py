# SPDX-License-Identifier: Apache-2.0
"""Batches of crops with their anchors matched. Tested by train_test.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from anchors import MAX_LEVEL, MIN_LEVEL, OCTAVES, Match, make_anchors, match
from crops import MASK_STEP_PX, CellIndex, Crop, CropOptions, make_crop
from evaluate import normalise

ANCHORS_PER_POINT = OCTAVES * 3


def usable_anchors(labelled: np.ndarray) -> torch.Tensor:
    """The labelled mask of a square crop, looked up at each anchor's centre."""
    levels = []
    for level in range(MIN_LEVEL, MAX_LEVEL + 1):
        step = 2**level // MASK_STEP_PX
        points = labelled[step // 2 :: step, step // 2 :: step]
        levels.append(np.repeat(points.reshape(-1), ANCHORS_PER_POINT))
    return torch.from_numpy(np.concatenate(levels))


def match_crop(crop: Crop, anchors: torch.Tensor) -> Match:
    return match(
        anchors,
        torch.from_numpy(crop.boxes).float().reshape(-1, 4),
        torch.from_numpy(crop.classes),
        torch.from_numpy(crop.ignored).float().reshape(-1, 4),
        usable_anchors(crop.labelled),
    )


@dataclass
class Batch:
    images: torch.Tensor  # N x H x W x 3 uint8.
    classes: torch.Tensor  # N x anchors.
    deltas: torch.Tensor  # N x anchors x 4.

    def normalised(self, device: torch.device) -> torch.Tensor:
        """N x 3 x H x W, channels last; the bytes travel, not the floats."""
        return normalise(self.images.to(device))


class BatchSeries(Dataset):
    """Batch i holds the crops i * size ... of a seed's series."""

    def __init__(
        self, index: CellIndex, options: CropOptions, seed: int, size: int, count: int
    ) -> None:
        self.index, self.options = index, options
        self.seed, self.size, self.count = seed, size, count
        self.anchors = make_anchors(options.size_px, options.size_px)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Batch:
        numbers = range(number * self.size, (number + 1) * self.size)
        crops = [make_crop(self.seed, n, self.options, self.index) for n in numbers]
        matches = [match_crop(crop, self.anchors) for crop in crops]
        return Batch(
            torch.from_numpy(np.stack([crop.image for crop in crops])),
            torch.stack([m.classes for m in matches]),
            torch.stack([m.deltas for m in matches]),
        )


def batches_from(series: BatchSeries, first: int, workers: int) -> Iterator[Batch]:
    """Batches `first` ... of the series; the same for any number of workers."""
    rest = range(first, len(series))
    return iter(DataLoader(series, batch_size=None, sampler=rest, num_workers=workers))
