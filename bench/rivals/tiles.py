# SPDX-License-Identifier: Apache-2.0
"""Fields of a COCO file as tiles: one tile a field, at the scale of the card."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from typing import Any

import numpy as np

from cache import Cache, file_sha256
from card import Card

CONVENTION = 1  # goes up when a tile of the same field would change


@dataclasses.dataclass(frozen=True)
class Field:
    """One image file and what the COCO file says of it."""

    path: pathlib.Path
    image_id: int
    width_px: int
    height_px: int
    um_per_px: float


def read_fields(images: pathlib.Path, truth: pathlib.Path) -> list[Field]:
    """The fields of a COCO file in its order; ValueError without a scale."""
    fields = []
    for image in json.loads(truth.read_text())["images"]:
        um_per_px = image.get("um_per_px")
        if not um_per_px or not um_per_px > 0:
            raise ValueError(f"{truth}: image {image['id']} has no um_per_px")
        path = images / image["file_name"]
        size = image["width"], image["height"]
        fields.append(Field(path, image["id"], *size, um_per_px))
    return fields


def resampled_size(field: Field, mpp: float) -> tuple[int, int]:
    """Width and height at mpp um/px, rounded half up."""
    factor = field.um_per_px / mpp
    return (
        math.floor(field.width_px * factor + 0.5),
        math.floor(field.height_px * factor + 0.5),
    )


def make_tile(rgb: np.ndarray, field: Field, card: Card) -> np.ndarray:
    """Area averaging to the card's scale, upper left, filled with its pad."""
    import cv2

    if rgb.shape != (field.height_px, field.width_px, 3):
        raise ValueError(f"{field.path}: {rgb.shape} is not what the COCO file says")
    width, height = resampled_size(field, card.mpp)
    if width > card.width_px or height > card.height_px:
        raise ValueError(f"{field.path}: {width} x {height} px exceed the tile")
    tile = np.empty((card.height_px, card.width_px, 3), np.uint8)
    tile[:] = card.pad_rgb
    tile[:height, :width] = cv2.resize(
        rgb, (width, height), interpolation=cv2.INTER_AREA
    )
    return tile


def _write_tiles(path: pathlib.Path, fields: list[Field], card: Card) -> None:
    import cv2

    with path.open("wb") as file:
        for field in fields:
            bgr = cv2.imread(str(field.path), cv2.IMREAD_COLOR)
            if bgr is None:
                raise ValueError(f"{field.path}: not an image that can be read")
            rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            file.write(make_tile(rgb, field, card).tobytes())


def tile_file(cache: Cache, fields: list[Field], card: Card) -> pathlib.Path:
    """A file of raw RGB bytes, one tile after the other, no header."""
    inputs: dict[str, Any] = {
        "convention": CONVENTION,
        "input": [card.width_px, card.height_px, card.mpp, card.pad_rgb],
        "fields": [[file_sha256(f.path), f.um_per_px] for f in fields],
    }

    def make(folder: pathlib.Path) -> None:
        _write_tiles(folder / "tiles.rgb", fields, card)

    return cache.get("tiles", inputs, make) / "tiles.rgb"


def read_tiles(path: pathlib.Path, card: Card) -> np.ndarray:
    """The tiles of tile_file, N x H x W x 3 bytes, mapped."""
    pixels = np.memmap(path, np.uint8, "r")
    return pixels.reshape(-1, card.height_px, card.width_px, 3)


def normalised(tile: np.ndarray, card: Card) -> np.ndarray:
    """One tile as the network takes it: 1 x H x W x 3 float32."""
    mean = np.asarray(card.mean_rgb, np.float32)
    stddev = np.asarray(card.stddev_rgb, np.float32)
    return ((tile.astype(np.float32) - mean) / stddev)[np.newaxis]
