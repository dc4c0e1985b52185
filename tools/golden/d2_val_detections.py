# SPDX-License-Identifier: Apache-2.0
"""Writes data/golden/d2_val_detections.json: what TensorFlow's D2 finds.

    d2_val_detections.py [--card data/models/d2-cells.yaml] [--output FILE]

TensorFlow runs the frozen graph of the card as it lies there on the fields of
data/fields (area averaging to the card's um/px, one tile, the rest filled); the
tiles, anchors, decoding and suppression are those of bench/rivals, written
apart from cyto8's. Group `cell`: score = largest class probability, hard NMS at
IoU 0.5, scores from 0.2. Boxes are x y w h in pixels of the file. Run with
requirements.txt and opencv-python-headless and pyyaml of
bench/rivals/requirements.txt installed. Tested by d2_val_detections_test.py.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

# Before anything else that imports TensorFlow: it switches oneDNN layers off.
from golden_graph import Array, GraphDef, parse, run, tf

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench/rivals"))

import cv2
import numpy as np
from card import OUTPUTS, Card, read_card
from decode import decode, group_boxes
from tiles import Field, make_tile, normalised, read_fields, resampled_size

FIELDS = ROOT / "data/fields"
MIN_SCORE = 0.2
SERVING_CUT = "stack"  # the normalised image of an export that takes pixels.
NETWORK_INPUT = "input"
Facts = dict[str, object]


def input_name(graph_def: GraphDef) -> str:
    """The normalised image of a graph with automl's names."""
    names = {node.name for node in graph_def.node}
    return f"{SERVING_CUT if SERVING_CUT in names else NETWORK_INPUT}:0"


def field_tile(field: Field, card: Card) -> Array:
    bgr = cv2.imread(str(field.path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise OSError(f"{field.path}: not an image")
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return normalised(make_tile(rgb, field, card), card)


def field_detections(heads: dict[str, Array], field: Field, card: Card) -> list[Facts]:
    """By falling score."""
    width, height = resampled_size(field, card.mpp)
    scale = np.array([field.width_px / width, field.height_px / height] * 2)
    columns = list(range(len(card.class_ids)))
    boxes, scores = group_boxes(decode(heads, card, MIN_SCORE), columns, MIN_SCORE)
    found = []
    for box, score in zip(boxes * scale, scores, strict=True):
        bbox = [*box[:2], *(box[2:] - box[:2])]
        found.append(
            {
                "image_id": field.image_id,
                "bbox": [round(float(side), 3) for side in bbox],
                "score": round(float(score), 6),
            }
        )
    return found


def detections(graph_def: GraphDef, card: Card, fields: list[Field]) -> list[Facts]:
    found = []
    for field in fields:
        feeds = {input_name(graph_def): field_tile(field, card)}
        values = run(graph_def, feeds, list(OUTPUTS.values()))
        heads = {key: values[name] for key, name in OUTPUTS.items()}
        found += field_detections(heads, field, card)
    return found


def golden_of(card: Card) -> Facts:
    truth = FIELDS / "fields.json"
    graph_def = parse(card.model.read_bytes(), text=False)
    return {
        "note": "group cell: score = largest class probability, hard NMS at IoU 0.5,"
        " score >= 0.2; tools/golden/d2_val_detections.py",
        "tensorflow": tf.__version__,
        "model": card.model.name,
        "sha256": card.sha256,
        "um_per_px": card.mpp,
        "images": json.loads(truth.read_text())["images"],
        "detections": detections(graph_def, card, read_fields(FIELDS, truth)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    path = pathlib.Path
    parser.add_argument("--card", type=path, default=ROOT / "data/models/d2-cells.yaml")
    parser.add_argument(
        "--output", type=path, default=ROOT / "data/golden/d2_val_detections.json"
    )
    given = parser.parse_args()
    golden = golden_of(read_card(given.card))
    given.output.write_text(json.dumps(golden) + "\n")
    print(f"{given.output}: {len(golden['detections'])} detections")


if __name__ == "__main__":
    main()
