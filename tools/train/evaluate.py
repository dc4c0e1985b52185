# SPDX-License-Identifier: Apache-2.0
"""AP at IoU 0.5 of groups and classes on whole fields.

    evaluate.py --weights best.npz --size d2 --cache DIR --split val

Conventions (shared/data/weights/README.md): a field at 0.484 um/px in the
upper left of a tile filled with 235; score of a box in a group = greatest
class probability in the group; scores > 0.01; hard NMS at IoU 0.5 within the
group; boxes in pixels of the file; AP as pycocotools (101 points, all
detections). Tested by evaluate_test.py.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from dataclasses import dataclass

import numpy as np
import torch

from anchors import decode, flatten_outputs, make_anchors
from crops import FILL
from fields import CLASS_NAMES, Field, load_cache
from model import EfficientDet, make_model
from weights import apply_weights, load_weights

MEAN_RGB = (123.675, 116.28, 103.53)
STDDEV_RGB = (58.395, 57.12, 57.375)
GROUPS = {
    "cell": (0, 1, 2, 3, 4, 5),
    "abnormal": (1, 2, 3, 4, 5),
    "low": (1, 2),
    "high": (3, 4, 5),
} | {name: (i,) for i, name in enumerate(CLASS_NAMES)}
MATCH_IOU = NMS_IOU = 0.5
SCORE_FLOOR = 0.01
# Kept of a field, best first; a trained model has far fewer above the floor.
MOST_BOXES = 5000
TILE_PX = 768
SIZE_STEP_PX = 128


def normalise(images: torch.Tensor) -> torch.Tensor:
    """N x H x W x 3 RGB bytes -> N x 3 x H x W, channels last."""
    mean = torch.tensor(MEAN_RGB, device=images.device)
    stddev = torch.tensor(STDDEV_RGB, device=images.device)
    return ((images.float() - mean) / stddev).permute(0, 3, 1, 2)


def on_tile(image: np.ndarray, tile_px: int | None) -> np.ndarray:
    """The field filled up to a square tile; None: to the next 128 px."""
    height, width = image.shape[:2]
    rows = tile_px or -(-height // SIZE_STEP_PX) * SIZE_STEP_PX
    columns = tile_px or -(-width // SIZE_STEP_PX) * SIZE_STEP_PX
    tile = np.full((rows, columns, 3), FILL, np.uint8)
    tile[:height, :width] = image[:rows, :columns]
    return tile


@dataclass(frozen=True)
class RawBoxes:
    """Boxes in pixels of the file (y, x order) and probabilities per class."""

    boxes: np.ndarray
    probabilities: np.ndarray


@torch.no_grad()
def detect(
    model: EfficientDet, field: Field, tile_px: int | None, bfloat16: bool = False
) -> RawBoxes:
    device = next(model.parameters()).device
    tile = torch.from_numpy(on_tile(field.image, tile_px))[None]
    image = normalise(tile.to(device))
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
        class_outputs, box_outputs = model(image)
    anchors = make_anchors(*image.shape[2:]).to(device)
    logits = flatten_outputs(class_outputs, model.classes)[0].float()
    boxes = decode(flatten_outputs(box_outputs, 4)[0].float(), anchors)
    probabilities = torch.sigmoid(logits)
    best = probabilities.amax(1)
    kept = best.topk(min(MOST_BOXES, len(best))).indices.sort().values
    kept = kept[best[kept] > SCORE_FLOOR]
    height, width = field.image.shape[:2]
    factor = np.array(
        [field.source_px[1] / height, field.source_px[0] / width] * 2, np.float32
    )
    return RawBoxes(
        boxes[kept].cpu().numpy() * factor, probabilities[kept].cpu().numpy()
    )


def iou_with(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    overlap = (high - low).clip(min=0).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return overlap / np.maximum((box[2:] - box[:2]).prod() + areas - overlap, 1e-9)


def suppress(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Indices kept by hard NMS, best first."""
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        first, order = order[0], order[1:]
        kept.append(first)
        order = order[iou_with(boxes[first], boxes[order]) <= NMS_IOU]
    return np.array(kept, np.int64)


def group_detections(
    raw: RawBoxes, group: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores of a group after NMS, best first."""
    scores = raw.probabilities[:, list(group)].max(1)
    chosen = scores > SCORE_FLOOR
    boxes, scores = raw.boxes[chosen], scores[chosen]
    kept = suppress(boxes, scores)
    return boxes[kept], scores[kept]


def true_positives(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Per box, best first: whether it finds a truth box not yet found.

    pycocotools' rule: the free truth box of greatest IoU (the last of equals).
    """
    free = np.ones(len(truth), bool)
    found = np.zeros(len(boxes), bool)
    for i, box in enumerate(boxes):
        iou = np.where(free, iou_with(box, truth), -1.0) if len(truth) else free
        if len(truth) and iou.max() >= MATCH_IOU:
            free[np.flatnonzero(iou == iou.max())[-1]] = False
            found[i] = True
    return found


def average_precision(scores: np.ndarray, found: np.ndarray, truth: int) -> float:
    """101-point AP; -1 without truth."""
    if not truth:
        return -1.0
    order = np.argsort(-scores, kind="mergesort")
    hits = np.cumsum(found[order])
    precision = hits / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(hits / truth, np.linspace(0, 1, 101), side="left")
    padded = np.append(precision, 0.0)
    return float(padded[np.minimum(at, len(precision))].mean())


def truth_boxes(field: Field, group: tuple[int, ...]) -> np.ndarray:
    """In pixels of the file, y, x order."""
    height, width = field.image.shape[:2]
    factor = np.array([field.source_px[1] / height, field.source_px[0] / width] * 2)
    boxes = field.boxes[np.isin(field.classes, group)]
    return boxes[:, [1, 0, 3, 2]] * factor


def average_precisions(fields: list[Field], raw: list[RawBoxes]) -> dict[str, float]:
    """AP at IoU 0.5 of each group and class."""
    result = {}
    for name, group in GROUPS.items():
        scores, found, count = [np.empty(0)], [np.empty(0, bool)], 0
        for field, boxes in zip(fields, raw, strict=True):
            truth = truth_boxes(field, group)
            kept, kept_scores = group_detections(boxes, group)
            scores.append(kept_scores)
            found.append(true_positives(kept, truth))
            count += len(truth)
        result[name] = average_precision(
            np.concatenate(scores), np.concatenate(found), count
        )
    return result


def evaluate(
    model: EfficientDet,
    fields: list[Field],
    tile_px: int | None = TILE_PX,
    bfloat16: bool = False,
) -> dict[str, float]:
    """AP of the model in evaluation mode; the mode is restored."""
    training = model.training
    model.eval()
    raw = [detect(model, field, tile_px, bfloat16) for field in fields]
    model.train(training)
    return average_precisions(fields, raw)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--size", choices=("d0", "d1", "d2"), default="d2")
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--split", choices=("train", "val"), default="val")
    parser.add_argument("--runs", help="of the split, such as 15,34; default: all")
    arguments = parser.parse_args()
    model = make_model(arguments.size, len(CLASS_NAMES))
    apply_weights(model, load_weights(arguments.weights))
    fields = load_cache(arguments.cache, arguments.split)
    if arguments.runs:
        runs = {int(run) for run in arguments.runs.split(",")}
        fields = [field for field in fields if field.run in runs]
    precisions = evaluate(model, fields)
    print(json.dumps({k: round(v, 4) for k, v in precisions.items()}))


if __name__ == "__main__":
    main()
