# SPDX-License-Identifier: Apache-2.0
"""Everything a run needs to go on at the step where it stopped.

Tested by train_test.py.
"""

from __future__ import annotations

import io
import pathlib
from dataclasses import dataclass

import torch

from atomic_file import write_atomically


@dataclass
class TrainState:
    """step: steps done; best: highest selection figure so far."""

    model: torch.nn.Module
    average: torch.nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    best: float = -1.0


def save_state(path: pathlib.Path, state: TrainState) -> None:
    content = io.BytesIO()
    torch.save(
        {
            "model": state.model.state_dict(),
            "average": state.average.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "step": state.step,
            "seconds": state.seconds,
            "best": state.best,
        },
        content,
    )
    write_atomically(path, content.getvalue())


def load_state(path: pathlib.Path, state: TrainState) -> None:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    state.model.load_state_dict(saved["model"])
    state.average.load_state_dict(saved["average"])
    state.optimizer.load_state_dict(saved["optimizer"])
    state.step = saved["step"]
    state.seconds = saved["seconds"]
    state.best = saved["best"]


@torch.no_grad()
def update_average(
    average: torch.nn.Module, model: torch.nn.Module, step: int, limit: float
) -> None:
    """Exponential moving average, decay min(limit, (1 + step) / (10 + step))."""
    decay = min(limit, (1 + step) / (10 + step))
    pairs = zip(average.state_dict().values(), model.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
