# SPDX-License-Identifier: Apache-2.0
"""Which models compete: the options that choose them, and where they lie."""

from __future__ import annotations

import argparse
import pathlib

import convert
import tiles
from cache import Cache
from card import Card

Model = tuple[str, pathlib.Path, str]  # engine, file, precision
NAMES = (
    "openvino-int8",
    "openvino-bf16",
    "openvino-fp32",
    "onnxruntime-int8",
    "onnxruntime-fp32",
)
DEFAULT = tuple(name for name in NAMES if name != "openvino-bf16")


def add_options(parser: argparse.ArgumentParser) -> None:
    root = pathlib.Path(__file__).resolve().parents[2]
    default_card = root / "data/models/d2-cells.yaml"
    path = pathlib.Path
    parser.add_argument("--card", type=path, default=default_card)
    parser.add_argument("--cache", type=path, required=True, metavar="FOLDER")
    parser.add_argument("--images", type=path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--truth", type=path, nargs="+", required=True, metavar="COCO"
    )
    parser.add_argument(
        "--calibration",
        type=path,
        required=True,
        metavar="COCO",
        help="training fields, same folder; those used are never measured",
    )
    parser.add_argument("--calibration-tiles", type=int, default=64)
    parser.add_argument("--full-bias-correction", action="store_true")
    parser.add_argument(
        "--rivals", nargs="*", choices=NAMES, default=DEFAULT, metavar="NAME"
    )


def _calibration(options: argparse.Namespace) -> list[tiles.Field]:
    fields = tiles.read_fields(options.images, options.calibration)
    return fields[: options.calibration_tiles]


def measured_fields(options: argparse.Namespace) -> list[tiles.Field]:
    """All fields of --truth, less those that calibrate."""
    calibrating = {field.path for field in _calibration(options)}
    fields = [
        field
        for truth in options.truth
        for field in tiles.read_fields(options.images, truth)
    ]
    return [field for field in fields if field.path not in calibrating]


def models(
    options: argparse.Namespace, cache: Cache, card: Card
) -> dict[str, Model]:
    """The files of the rivals asked for; made now if the cache lacks them."""
    calibration = tiles.tile_file(cache, _calibration(options), card)

    def find(name: str) -> Model:
        engine, _, kind = name.partition("-")
        if name == "onnxruntime-int8":
            return engine, convert.onnx_int8(cache, card, calibration), "default"
        if name == "onnxruntime-fp32":
            return engine, convert.onnx_fp32(cache, card), "default"
        if name == "openvino-int8":
            full = options.full_bias_correction
            path = convert.openvino_int8(cache, card, calibration, full)
            return engine, path, "default"
        precision = "f32" if kind == "fp32" else kind
        return engine, convert.openvino_fp32(cache, card), precision

    return {name: find(name) for name in options.rivals}
