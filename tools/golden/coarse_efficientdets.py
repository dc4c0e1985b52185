# SPDX-License-Identifier: Apache-2.0
"""The golden EfficientDets with weights that pack well.

coarse_efficientdets.py SOURCE OUTPUT: reads the exports of google/automl in
SOURCE (NAME.pb or .pbtxt, .npz, .json), rounds the kernels of convolutions to
five significant bits, what batch norms and biases hold to eight (with fewer the
statistics no longer fit, and outputs grow), feeds every network of 256 x 256 px
with the image of tiny-net, and writes the graphs with what TensorFlow gives
for them. The graphs are otherwise as they were exported. pack.py makes the
archive of OUTPUT. Needs requirements.txt; tested by coarse_efficientdets_test.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence

import numpy as np

# Before anything else that imports TensorFlow: it switches oneDNN layers off.
from golden_graph import Array, GraphDef, parse, run, serialize, tf, write_arrays

SHARED_IMAGE = "tiny-net"
SAMPLE_STEP = 16
SERVING_SAMPLE_STEP = 5
KERNEL_BITS = 5
VECTOR_BITS = 8
FLOAT_BITS = 24  # the leading one included.
WEIGHT_READERS = {
    "Conv2D",
    "DepthwiseConv2dNative",
    "BiasAdd",
    "FusedBatchNorm",
    "FusedBatchNormV3",
}
Facts = dict[str, object]


def coarse(values: Array) -> Array:
    """Rounded, halves away from zero; kernels have four dimensions."""
    kept = KERNEL_BITS if values.ndim == 4 else VECTOR_BITS
    dropped = FLOAT_BITS - kept
    bits = values.astype(np.float32).view(np.uint32)
    half = np.uint32(1 << (dropped - 1))
    mask = np.uint32(0xFFFFFFFF - ((1 << dropped) - 1))
    return ((bits + half) & mask).view(np.float32)


def weight_names(graph_def: GraphDef) -> set[str]:
    """Constants that layers read, straight or through Identity."""
    source = {n.name: n.input[0] for n in graph_def.node if n.op == "Identity"}
    names = set()
    for node in graph_def.node:
        if node.op in WEIGHT_READERS:
            for name in node.input[1:]:
                name = name.split(":")[0]
                while name in source:
                    name = source[name].split(":")[0]
                names.add(name)
    return names


def with_coarse_weights(graph_def: GraphDef) -> GraphDef:
    result = GraphDef()
    result.CopyFrom(graph_def)
    names = weight_names(graph_def)
    for node in result.node:
        if node.op == "Const" and node.name in names:
            proto = node.attr["value"].tensor
            values = coarse(tf.make_ndarray(proto))
            proto.CopyFrom(tf.make_tensor_proto(values, tf.float32, values.shape))
    return result


def normalized(image: Array, facts: Facts) -> Array:
    """As golden_graphs_test.cc does it, in float32."""
    mean = np.asarray(facts["mean_rgb"], np.float32)
    deviation = np.asarray(facts["stddev_rgb"], np.float32)
    return ((image.astype(np.float32) - mean) / deviation)[np.newaxis]


def sampled(values: Array, step: int) -> Array:
    """Every step-th row and column of 1 x H x W x C."""
    return np.ascontiguousarray(values[:, ::step, ::step])


class Export:
    """One of the given graphs."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.name = name
        self.text = (folder / f"{name}.pbtxt").exists()
        self.file_name = name + (".pbtxt" if self.text else ".pb")
        self.graph = parse((folder / self.file_name).read_bytes(), self.text)
        self.facts: Facts = json.loads((folder / f"{name}.json").read_text())
        self.arrays = dict(np.load(folder / f"{name}.npz"))

    @property
    def serving(self) -> bool:
        return self.facts["kind"] == "serving"


def prepared(export: Export) -> Array:
    """A sample of what TensorFlow made of the image before the network."""
    step = SERVING_SAMPLE_STEP if export.serving else SAMPLE_STEP
    if "input" in export.arrays:
        return sampled(export.arrays["input"], step)
    return export.arrays["input_sample"]


def fed(export: Export, shared: Export) -> dict[str, Array]:
    same_size = export.arrays["image"].shape == shared.arrays["image"].shape
    source = shared if same_size and not export.serving else export
    kept = {key: source.arrays[key] for key in ("image", "scale")}
    return kept | {"input_sample": prepared(source)}


def make(export: Export, shared: Export) -> tuple[bytes, dict[str, Array], Facts]:
    data = serialize(with_coarse_weights(export.graph), export.text)
    arrays = fed(export, shared)
    image = arrays["image"]
    feed = image[np.newaxis] if export.serving else normalized(image, export.facts)
    outputs: Mapping[str, str] = export.facts["outputs"]
    values = run(
        parse(data, export.text),
        {export.facts["inputs"][0]: feed},
        list(outputs.values()),
    )
    answers = {key: values[tensor] for key, tensor in outputs.items()}
    facts = export.facts | {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "std": {k: float(answers[k].std()) for k in export.facts["std"]},
    }
    return data, arrays | answers, facts


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    shared = Export(options.source, SHARED_IMAGE)
    for path in sorted(options.source.glob("tiny-*.json")):
        export = Export(options.source, path.stem)
        data, arrays, facts = make(export, shared)
        (options.output / export.file_name).write_bytes(data)
        write_arrays(options.output / f"{path.stem}.npz", arrays)
        (options.output / path.name).write_text(json.dumps(facts, indent=1) + "\n")
        print(f"{export.file_name:24} {len(data):8} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
