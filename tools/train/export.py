# SPDX-License-Identifier: Apache-2.0
"""Weights -> frozen GraphDef, ONNX and model card.

    export.py --weights best.npz --size d2 --name d2-cells --output DIR \
        --description TEXT [--half] [--onnx]

--half: kernels in half precision and cast back, half the bytes of the graph;
the outputs are exactly those of weights that were rounded so (as best.npz is).

The card's classes, anchors, preprocessing and post-processing are the
project's; the description must say what was trained on what, and how good it
is. Tested by export_test.py.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import pathlib
import textwrap

import torch

from atomic_file import write_atomically
from fields import CLASS_NAMES, TARGET_UM_PER_PX
from graph_builder import GraphBuilder
from graph_def import write_graph
from model import EfficientDet, make_model
from weights import apply_weights, load_weights

ONNX_OPSET = 13
CARD = """\
# Model card, schema 1 (docs/formats.md, section 4).
schema: 1
name: {name}
model: {name}.pb
sha256: {sha256}
licence: CC-BY-4.0
description: >-
{description}
input:
  width_px: {image_px}
  height_px: {image_px}
  mpp: {mpp}
  resample: area
  pad_rgb: [235, 235, 235]
  mean_rgb: [123.675, 116.28, 103.53]
  stddev_rgb: [58.395, 57.12, 57.375]
anchors:
  min_level: 3
  max_level: 7
  num_scales: 3
  aspect_ratios: [1.0, 2.0, 0.5]
  anchor_scale: 4.0
  ratio_convention: sqrt
classes:
{classes}
groups:
  cell: [NILM, ASC-US, LSIL, ASC-H, HSIL, SCC]
  abnormal: [ASC-US, LSIL, ASC-H, HSIL, SCC]
  low: [ASC-US, LSIL]
  high: [ASC-H, HSIL, SCC]
postprocess:
  scope: per_class
  method: hard
  iou_threshold: 0.5
  score_threshold: 0.2
  max_candidates: 0
  max_detections: 0
"""
COLOURS = (
    (46, 125, 50),
    (249, 168, 37),
    (239, 108, 0),
    (198, 40, 40),
    (173, 20, 87),
    (74, 20, 140),
)


def graph_bytes(model: EfficientDet, image_px: int, half: bool) -> bytes:
    return write_graph(GraphBuilder(model, image_px, image_px, half).nodes)


def card_text(name: str, image_px: int, sha256: str, description: str) -> str:
    """The YAML of the card; description is wrapped and indented."""
    if not description.isascii() or not description.strip():
        raise ValueError("description: must be ASCII and not empty")
    classes = [
        f"  - {{id: {i}, name: {label}, color: [{', '.join(map(str, colour))}]}}"
        for i, (label, colour) in enumerate(
            zip(CLASS_NAMES, COLOURS, strict=True), start=1
        )
    ]
    return CARD.format(
        name=name,
        sha256=sha256,
        image_px=image_px,
        mpp=TARGET_UM_PER_PX,
        description=textwrap.fill(
            description, 78, initial_indent="  ", subsequent_indent="  "
        ),
        classes="\n".join(classes),
    )


class _OnnxOutputs(torch.nn.Module):
    """The ten raw outputs in a row, N x C x H x W."""

    def __init__(self, model: EfficientDet) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        class_outputs, box_outputs = self.model(image)
        return (*class_outputs, *box_outputs)


def onnx_bytes(model: EfficientDet, image_px: int) -> bytes:
    """Input `input` (1 x 3 x H x W, normalised); outputs class_3 ... box_7."""
    names = [f"{net}_{level}" for net in ("class", "box") for level in range(3, 8)]
    content = io.BytesIO()
    torch.onnx.export(
        _OnnxOutputs(model).eval(),
        (torch.zeros(1, 3, image_px, image_px),),
        content,
        input_names=["input"],
        output_names=names,
        opset_version=ONNX_OPSET,
        dynamo=False,
    )
    return content.getvalue()


def export(
    model: EfficientDet,
    name: str,
    description: str,
    folder: pathlib.Path,
    onnx: bool = False,
    half: bool = False,
) -> None:
    image_px = model.config.image_px
    graph = graph_bytes(model, image_px, half)
    card = card_text(name, image_px, hashlib.sha256(graph).hexdigest(), description)
    write_atomically(folder / f"{name}.pb", graph)
    write_atomically(folder / f"{name}.yaml", card.encode())
    if onnx:
        write_atomically(folder / f"{name}.onnx", onnx_bytes(model, image_px))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--size", choices=("d0", "d1", "d2"), required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--description", required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--half", action="store_true", help="kernels of the graph")
    parser.add_argument("--onnx", action="store_true")
    arguments = parser.parse_args()
    model = make_model(arguments.size, len(CLASS_NAMES)).eval()
    apply_weights(model, load_weights(arguments.weights))
    arguments.output.mkdir(parents=True, exist_ok=True)
    export(
        model,
        arguments.name,
        arguments.description,
        arguments.output,
        arguments.onnx,
        arguments.half,
    )


if __name__ == "__main__":
    main()
