# SPDX-License-Identifier: Apache-2.0
"""Focal loss and box loss of google/automl's efficientdet (train_lib.py).

automl's Huber loss with delta 0.1 times 50 is smooth L1 with beta 0.1 times 5.
Tested by losses_test.py.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from anchors import IGNORED

FOCAL_ALPHA = 0.25
FOCAL_GAMMA = 1.5
BOX_BETA = 0.1
BOX_WEIGHT = 5.0


def focal_loss(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Sum over anchors and classes, ignored anchors excepted.

    logits: ... x anchors x classes; classes: ... x anchors, class from 0,
    NEGATIVE or IGNORED.
    """
    kept = classes != IGNORED
    logits, classes = logits[kept].float(), classes[kept]
    positive = classes >= 0
    target = torch.zeros_like(logits)
    target[positive, classes[positive]] = 1.0
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    missed = torch.where(target > 0, torch.sigmoid(-logits), torch.sigmoid(logits))
    alpha = torch.where(target > 0, FOCAL_ALPHA, 1 - FOCAL_ALPHA)
    return (alpha * missed**FOCAL_GAMMA * entropy).sum()


def box_loss(
    deltas: torch.Tensor, targets: torch.Tensor, classes: torch.Tensor
) -> torch.Tensor:
    """Sum over the four deltas of matched anchors."""
    positive = classes >= 0
    return F.smooth_l1_loss(
        deltas[positive].float(), targets[positive], reduction="sum", beta=BOX_BETA
    )


def detection_loss(
    logits: torch.Tensor,
    deltas: torch.Tensor,
    classes: torch.Tensor,
    targets: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Class loss and weighted box loss, per matched anchor of the batch."""
    matched = (classes >= 0).sum()
    class_part = focal_loss(logits, classes) / (matched + 1)
    box_part = box_loss(deltas, targets, classes) / (4 * matched.clamp(min=1))
    return class_part, BOX_WEIGHT * box_part
