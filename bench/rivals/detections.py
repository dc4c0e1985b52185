#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the rivals find: COCO results files, and INT8 against their own FP32.

One file per model in --output: per class every box with score > 0.01, hard NMS
at IoU 0.5 within the class (--nms none leaves it out: `cyto8 compare` pools and
suppresses within its groups itself). Boxes are in pixels of the file.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from typing import Any

import numpy as np

import contestants
import engines
import isa
import tiles
from cache import Cache
from card import Card, read_card
from decode import Decoded, average_precision_50, decode, group_boxes, hard_nms

SCORE_ABOVE = 0.01
TRUTH_FROM = 0.3  # FP32 detections that count as truth


def coco_results(
    decoded: Decoded, field: tiles.Field, card: Card, nms: bool
) -> list[dict[str, Any]]:
    """One image's detections of each class by falling score."""
    width, height = tiles.resampled_size(field, card.mpp)
    scale = [field.width_px / width, field.height_px / height] * 2
    results = []
    for column, class_id in enumerate(card.class_ids.values()):
        score = decoded.scores[:, column]
        chosen = np.flatnonzero(score > SCORE_ABOVE)
        chosen = chosen[np.argsort(-score[chosen], kind="stable")]
        if nms:
            chosen = chosen[hard_nms(decoded.boxes[chosen], score[chosen])]
        for x_min, y_min, x_max, y_max, s in np.column_stack(
            [decoded.boxes[chosen] * scale, score[chosen]]
        ):
            box = [x_min, y_min, x_max - x_min, y_max - y_min]
            results.append(
                {
                    "image_id": field.image_id,
                    "category_id": class_id,
                    "bbox": [round(value, 3) for value in box],
                    "score": round(s, 6),
                }
            )
    return results


def fidelity(
    reference: list[Decoded], found: list[Decoded], card: Card
) -> dict[str, float]:
    """AP50 by group, the reference's boxes of score >= 0.3 being the truth."""
    names = list(card.class_ids)
    result = {}
    for group, members in card.groups.items():
        columns = [names.index(member) for member in members]
        truth = [group_boxes(d, columns, SCORE_ABOVE) for d in reference]
        boxes = [group_boxes(d, columns, SCORE_ABOVE) for d in found]
        sure = [b[s >= TRUTH_FROM] for b, s in truth]
        result[group] = average_precision_50(boxes, sure)
    return result


def largest_difference(a: engines.Outputs, b: engines.Outputs) -> str:
    """Over all heads: absolute, and as a share of b's own range of that head."""
    apart = {key: float(np.abs(a[key] - b[key].reshape(a[key].shape)).max()) for key in a}
    share = max(apart[key] / float(np.ptp(b[key])) for key in a)
    return f"max difference {max(apart.values()):.3g}, {share:.3g} of the range"


def _sanity(
    running: dict[str, engines.Engine], tile: np.ndarray, card: Card
) -> None:
    """The raw heads of one tile against those of the first model that is FP32."""
    heads = {n: e.infer(tiles.normalised(tile, card)) for n, e in running.items()}
    first = next((name for name in heads if name.endswith("fp32")), None)
    for name in heads if first else ():
        if name != first:
            told = largest_difference(heads[name], heads[first])
            print(f"{name} against {first}, first tile: {told}")


def _against_file(
    running: dict[str, engines.Engine], reference: pathlib.Path, card: Card
) -> None:
    """The raw heads of a stored image against those stored with it."""
    stored = dict(np.load(reference))
    image = tiles.normalised(stored["image"], card)
    for name, engine in running.items():
        told = largest_difference(engine.infer(image), stored)
        print(f"{name} against {reference.name}: {told}")


def _run(engine: engines.Engine, pixels: np.ndarray, card: Card) -> list[Decoded]:
    return [
        decode(engine.infer(tiles.normalised(tile, card)), card, SCORE_ABOVE)
        for tile in pixels
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    contestants.add_options(parser)
    parser.add_argument("--max-isa", choices=isa.LIMITS, default="default")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument(
        "--reference",
        type=pathlib.Path,
        metavar="NPZ",
        help="image, class_3 ... box_7: the raw heads are compared with these",
    )
    parser.add_argument("--nms", choices=("class", "none"), default="class")
    return parser.parse_args()


def main() -> int:
    options = _options()
    isa.limit(options.max_isa)
    card = read_card(options.card)
    cache = Cache(options.cache)
    fields = contestants.measured_fields(options)
    if len({field.image_id for field in fields}) < len(fields):
        raise ValueError("--truth: the same image id stands twice")
    pixels = tiles.read_tiles(tiles.tile_file(cache, fields, card), card)
    models = contestants.models(options, cache, card)
    options.output.mkdir(parents=True, exist_ok=True)
    running = {
        name: engines.create(
            engine, path, 1, isa.precision(precision, options.max_isa)
        )
        for name, (engine, path, precision) in models.items()
    }
    _sanity(running, pixels[0], card)
    if options.reference:
        _against_file(running, options.reference, card)
    found: dict[str, list[Decoded]] = {}
    for name, engine in running.items():
        found[name] = _run(engine, pixels, card)
        results = [
            result
            for decoded, field in zip(found[name], fields, strict=True)
            for result in coco_results(decoded, field, card, options.nms == "class")
        ]
        file = options.output / f"{name}.json"
        file.write_text(json.dumps(results) + "\n")
        print(f"{file}: {len(results)} detections, {len(fields)} images")
    for name in found:
        reference = name.split("-")[0] + "-fp32"
        if name != reference and reference in found:
            groups = fidelity(found[reference], found[name], card)
            text = ", ".join(f"{group} {ap:.3f}" for group, ap in groups.items())
            print(f"{name} against {reference}: {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
