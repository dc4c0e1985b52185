# SPDX-License-Identifier: Apache-2.0
"""Labelled fields at the training scale: reading, resampling, caching, splits.

    fields.py --source data/cric --cache DIR [--format png|jpg]

makes the cache: each field resampled once to 0.484 um/px (area averaging) as
one file, and fields.json with the boxes in its pixels. Tested by fields_test.py.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from atomic_file import write_atomically

TARGET_UM_PER_PX = 0.484
CLASS_NAMES = ("NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC")
FIELDS_PER_RUN = 5
JPEG_QUALITY = 92
SPLITS = ("train", "val")


@dataclass(frozen=True)
class Field:
    """One field; boxes N x 4 are x_min, y_min, x_max, y_max in its pixels.

    classes count from 0; source_px is width and height of the file it was made
    from; run groups neighbouring fields, which may be of one smear.
    """

    name: str
    split: str
    run: int
    image: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    source_px: tuple[int, int]


def run_of(image_id_cric: int) -> int:
    return (image_id_cric - 1) // FIELDS_PER_RUN


def resampled_size(width: int, height: int, um_per_px: float) -> tuple[int, int]:
    factor = um_per_px / TARGET_UM_PER_PX
    return round(width * factor), round(height * factor)


def _read_rgb(path: pathlib.Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise OSError(f"{path}: not an image")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _write_rgb(path: pathlib.Path, image: np.ndarray) -> None:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    fine, encoded = cv2.imencode(path.suffix, bgr, options)
    if not fine:
        raise OSError(f"{path}: cannot be encoded")
    write_atomically(path, encoded.tobytes())


def _cache_field(
    entry: dict,
    boxes: list[dict],
    split: str,
    source: pathlib.Path,
    target: pathlib.Path,
) -> dict:
    """Writes the resampled image; returns its record for fields.json."""
    image = _read_rgb(source)
    size = resampled_size(entry["width"], entry["height"], entry["um_per_px"])
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _write_rgb(target, small)
    factor = np.array([size[0] / entry["width"], size[1] / entry["height"]] * 2)
    corners = [
        (factor * (x, y, x + w, y + h)).round(3).tolist()
        for x, y, w, h in (box["bbox"] for box in boxes)
    ]
    return {
        "name": entry["file_name"],
        "file": target.name,
        "split": split,
        "run": run_of(entry["image_id_cric"]),
        "source_px": [entry["width"], entry["height"]],
        "boxes": corners,
        "classes": [box["category_id"] - 1 for box in boxes],
    }


def make_cache(source: pathlib.Path, cache: pathlib.Path, suffix: str) -> None:
    """source: folder with images/, train.json, val.json, ATTRIBUTION.txt."""
    cache.mkdir(parents=True, exist_ok=True)
    records = []
    for split in SPLITS:
        truth = json.loads((source / f"{split}.json").read_text())
        for entry in truth["images"]:
            boxes = [a for a in truth["annotations"] if a["image_id"] == entry["id"]]
            target = cache / f"{split}-{entry['id']:03d}.{suffix}"
            path = source / "images" / entry["file_name"]
            records.append(_cache_field(entry, boxes, split, path, target))
    attribution = (source / "ATTRIBUTION.txt").read_bytes()
    write_atomically(cache / "ATTRIBUTION.txt", attribution)
    write_atomically(cache / "fields.json", json.dumps(records).encode())


def load_cache(cache: pathlib.Path, split: str) -> list[Field]:
    """The fields of one split, in the order of the source."""
    records = json.loads((cache / "fields.json").read_text())
    return [
        Field(
            name=record["name"],
            split=split,
            run=record["run"],
            image=_read_rgb(cache / record["file"]),
            boxes=np.array(record["boxes"], np.float32).reshape(-1, 4),
            classes=np.array(record["classes"], np.int64),
            source_px=tuple(record["source_px"]),
        )
        for record in records
        if record["split"] == split
    ]


def load_splits(cache: pathlib.Path, splits: Iterable[str]) -> list[Field]:
    return [field for split in splits for field in load_cache(cache, split)]


def split_runs(
    fields: Iterable[Field], held_out: set[int]
) -> tuple[list[Field], list[Field]]:
    """Fields to learn from, and those of the held-out runs."""
    fields = list(fields)
    unknown = held_out - {field.run for field in fields}
    if unknown:
        raise ValueError(f"runs {sorted(unknown)}: not among the fields")
    learn = [field for field in fields if field.run not in held_out]
    return learn, [field for field in fields if field.run in held_out]


def folds_by_run(fields: Iterable[Field], count: int) -> list[set[int]]:
    """Runs in `count` folds of like counts per class.

    Greedy: the run with the rarest cells first, to the fold that it leaves most
    even (squared share of each class).
    """
    totals = np.zeros(len(CLASS_NAMES))
    runs: dict[int, np.ndarray] = {}
    for field in fields:
        cells = np.bincount(field.classes, minlength=len(CLASS_NAMES))
        runs[field.run] = runs.get(field.run, 0) + cells
        totals = totals + cells
    shares = {run: cells / np.maximum(totals, 1) for run, cells in runs.items()}
    folds: list[set[int]] = [set() for _ in range(count)]
    sums = np.zeros((count, len(CLASS_NAMES)))
    for run in sorted(shares, key=lambda r: (-shares[r].sum(), r)):
        growth = ((sums + shares[run]) ** 2 - sums**2).sum(axis=1)
        best = int(growth.argmin())
        folds[best].add(run)
        sums[best] += shares[run]
    return folds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--format", choices=("png", "jpg"), default="png")
    arguments = parser.parse_args()
    make_cache(arguments.source, arguments.cache, arguments.format)


if __name__ == "__main__":
    main()
