# SPDX-License-Identifier: Apache-2.0
"""Weights as .npz files (float16 or float32) with this model's names.

Reads also the shorter names of the project's first weights (d2_cric_ema.npz,
d2_balanced_fp16.npz). Tested by weights_test.py.
"""

from __future__ import annotations

import io
import pathlib
import re

import numpy as np
import torch

from atomic_file import write_atomically
from model import ANCHORS_PER_CELL

# First names -> ours, applied in order.
_RENAMES = (
    (r"^back\.sc\.c\.", "backbone.stem."),
    (r"^back\.sb\.", "backbone.stem_norm."),
    (r"^back\.b\.(\d+)\.ec\.c\.", r"backbone.blocks.\1.expand."),
    (r"^back\.b\.(\d+)\.eb\.", r"backbone.blocks.\1.expand_norm."),
    (r"^back\.b\.(\d+)\.dc\.c\.", r"backbone.blocks.\1.depthwise."),
    (r"^back\.b\.(\d+)\.db\.", r"backbone.blocks.\1.depthwise_norm."),
    (r"^back\.b\.(\d+)\.sr\.", r"backbone.blocks.\1.squeeze."),
    (r"^back\.b\.(\d+)\.se\.", r"backbone.blocks.\1.excite."),
    (r"^back\.b\.(\d+)\.pc\.c\.", r"backbone.blocks.\1.project."),
    (r"^back\.b\.(\d+)\.pb\.", r"backbone.blocks.\1.project_norm."),
    (r"^p6\.0\.", "p6.conv."),
    (r"^p6\.1\.", "p6.norm."),
    (r"^(cells\.\d+)\.w\.", r"\1.weights."),
    (r"^(cells\.\d+)\.n\.", r"\1.norms."),
    (r"^(cells\.\d+)\.r\.(\d_\d)\.0\.", r"\1.resample.\2.conv."),
    (r"^(cells\.\d+)\.r\.(\d_\d)\.1\.", r"\1.resample.\2.norm."),
    (r"^cls\.", "class_net."),
    (r"^box\.", "box_net."),
    (r"^(class_net|box_net)\.n\.", r"\1.norms."),
    (r"^(class_net|box_net)\.o\.", r"\1.predict."),
    (r"\.c\.(\d+)\.d\.c\.", r".convs.\1.depthwise."),
    (r"\.c\.(\d+)\.p\.", r".convs.\1.pointwise."),
    (r"\.predict\.d\.c\.", ".predict.depthwise."),
    (r"\.predict\.p\.", ".predict.pointwise."),
)
_BOX_OUTPUTS = ("box_net.predict.pointwise.weight", "box_net.predict.pointwise.bias")

Weights = dict[str, torch.Tensor]


def _renamed(key: str) -> str:
    for pattern, replacement in _RENAMES:
        key = re.sub(pattern, replacement, key)
    return key


def _swap_box_order(values: np.ndarray) -> np.ndarray:
    """tx, ty, tw, th -> ty, tx, th, tw (or back) along the first axis."""
    per_anchor = values.reshape(ANCHORS_PER_CELL, 4, *values.shape[1:])
    return per_anchor[:, [1, 0, 3, 2]].reshape(values.shape)


def load_weights(path: pathlib.Path) -> Weights:
    """Float32 tensors by this model's names, whichever names the file has."""
    with np.load(path) as arrays:
        weights = {key: arrays[key].astype(np.float32) for key in arrays.files}
    if any(key.startswith("back.") for key in weights):
        weights = {_renamed(key): value for key, value in weights.items()}
        for key in _BOX_OUTPUTS:
            weights[key] = _swap_box_order(weights[key])
    return {key: torch.from_numpy(value) for key, value in weights.items()}


def apply_weights(model: torch.nn.Module, weights: Weights) -> None:
    """Raises RuntimeError unless names and shapes fit one to one."""
    state = dict(weights)
    for key, value in model.state_dict().items():
        if key.endswith("num_batches_tracked"):
            state.setdefault(key, value)
    model.load_state_dict(state)


def save_weights(path: pathlib.Path, model: torch.nn.Module, dtype: str) -> None:
    """dtype: float16 (what travels) or float32."""
    arrays = {
        key: value.detach().float().cpu().numpy().astype(dtype)
        for key, value in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_atomically(path, content.getvalue())
