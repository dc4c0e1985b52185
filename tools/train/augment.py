# SPDX-License-Identifier: Apache-2.0
"""Changes of colour, sharpness and noise that keep what a cell is.

Images are H x W x 3 RGB uint8. Tested by augment_test.py.
"""

from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator

STAIN_FACTOR = (0.75, 1.3)  # of optical density, all channels
STAIN_CHANNEL = (0.85, 1.18)  # of optical density, each channel
STAIN_OFFSET = 0.04  # added optical density, each channel
GAIN = (0.92, 1.08)
SHIFT = 10.0
MIX = 0.06  # of the other channels' difference
BLUR_SHARE, BLUR_SIGMA = 0.3, (0.3, 1.3)
NOISE_SHARE, NOISE_SIGMA = 0.5, (1.0, 6.0)


def _stain_table(rng: Rng) -> np.ndarray:
    """256 x 1 x 3 look-up table: change of density, then gain and shift."""
    levels = np.arange(256, dtype=np.float32)
    density = -np.log((levels + 1.0) / 256.0)
    factor = rng.uniform(*STAIN_FACTOR)
    table = np.empty((256, 1, 3), np.uint8)
    for channel in range(3):
        changed = density * factor * rng.uniform(*STAIN_CHANNEL)
        changed += rng.uniform(-STAIN_OFFSET, STAIN_OFFSET)
        bright = np.exp(-changed) * 256.0 - 1.0
        bright = bright * rng.uniform(*GAIN) + rng.uniform(-SHIFT, SHIFT)
        table[:, 0, channel] = bright.clip(0, 255).round()
    return table


def _mix_matrix(rng: Rng) -> np.ndarray:
    """Near the identity; rows sum to one, so grey stays grey."""
    matrix = rng.uniform(-MIX, MIX, (3, 3))
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, 1 - matrix.sum(axis=1))
    return matrix.astype(np.float32)


def recolour(rng: Rng, image: np.ndarray) -> np.ndarray:
    image = cv2.LUT(image, _stain_table(rng))
    return cv2.transform(image, _mix_matrix(rng))


def degrade(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Blur and noise, each on a share of the images."""
    if rng.random() < BLUR_SHARE:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(*BLUR_SIGMA))
    if rng.random() < NOISE_SHARE:
        sigma = rng.uniform(*NOISE_SIGMA)
        noise = rng.standard_normal(image.shape, np.float32) * sigma
        image = (image + noise).clip(0, 255).astype(np.uint8)
    return image
