# SPDX-License-Identifier: Apache-2.0
"""Writes data/golden/reshape: a graph of one image size, the answers of another.

A tiny five-level pyramid is built twice with the same weights. The graph kept
is the one for the old size, the arrays kept are what TensorFlow gives for the
graph of the new size. Run in an environment with requirements.txt installed:
    TF_ENABLE_ONEDNN_OPTS=0 python tools/golden/reshaping.py
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import sys
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

import spellings
from golden_graph import Built, Golden, Recipe, Weights, make, write

Tensor = tf.Tensor
raw = tf.raw_ops
v1 = tf.compat.v1

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "data" / "golden" / "reshape"
CHANNELS = 6
LEVELS = 5

Resize = Callable[[Tensor, Tensor], Tensor]
Squeeze = Callable[[Tensor], Tensor]
Activation = Callable[[Tensor], Tensor]
Down = Callable[[Weights, Tensor, str], Tensor]


@dataclasses.dataclass(frozen=True)
class Kind:
    """How a pyramid is spelled, and its old and new size (height, width)."""

    name: str
    what: str
    old: tuple[int, int]
    new: tuple[int, int]
    resize: Resize
    squeeze: Squeeze
    activation: Activation
    down: Down
    open_batch: bool = False
    open_sides: bool = False


def steps_input(size: Sequence[int]) -> np.ndarray:
    """Eighths from -2 to 2, so that the file packs well."""
    steps = np.random.default_rng(20260103).integers(-16, 17, (1, *size, 3))
    return (steps / 8).astype(np.float32)


def resize_to_constant(x: Tensor, like: Tensor) -> Tensor:
    size = [int(like.shape[1]), int(like.shape[2])]
    return raw.ResizeNearestNeighbor(images=x, size=size)


def resize_to_shape(x: Tensor, like: Tensor) -> Tensor:
    return raw.ResizeNearestNeighbor(images=x, size=tf.shape(like)[1:3])


def resize_by_ones(x: Tensor, like: Tensor) -> Tensor:
    return spellings.reshape_ones(x, int(like.shape[1]) // int(x.shape[1]))


def resize_twice_and_cut(x: Tensor, like: Tensor) -> Tensor:
    """Each pixel twice; what is too much at odd sides is cut off."""
    wide = spellings.resize_nearest(x, 2)
    return wide[:, : int(like.shape[1]), : int(like.shape[2]), :]


def mean_and_reshape(x: Tensor) -> Tensor:
    mean = raw.Mean(input=x, axis=[1, 2], keep_dims=False)
    return raw.Reshape(tensor=mean, shape=[-1, 1, 1, int(x.shape[-1])])


def _kernel(weights: Weights, x: Tensor, channels: int, name: str) -> Tensor:
    return weights.kernel(f"{name}/kernel", (3, 3, int(x.shape[-1]), channels))


def down_same(weights: Weights, x: Tensor, name: str) -> Tensor:
    kernel = _kernel(weights, x, CHANNELS, name)
    return spellings._conv(x, kernel, 2, name=f"{name}/Conv2D")


def down_padded(weights: Weights, x: Tensor, name: str) -> Tensor:
    """The padding of SAME at even sides, as an operator of its own."""
    kernel = _kernel(weights, x, CHANNELS, name)
    padded = raw.Pad(input=x, paddings=[[0, 0], [0, 1], [0, 1], [0, 0]])
    return spellings._conv(padded, kernel, 2, "VALID", name=f"{name}/Conv2D")


def _excite(weights: Weights, x: Tensor, kind: Kind, name: str) -> Tensor:
    gate = spellings._conv_1x1(weights, kind.squeeze(x), 2, f"{name}/a")
    gate = kind.activation(spellings._bias(weights, gate, f"{name}/a"))
    gate = spellings._conv_1x1(weights, gate, CHANNELS, f"{name}/b")
    gate = spellings._bias(weights, gate, f"{name}/b")
    return raw.Mul(x=raw.Sigmoid(x=gate), y=x)


def _fuse(weights: Weights, a: Tensor, b: Tensor, kind: Kind, name: str) -> Tensor:
    gates = [
        raw.Relu(features=weights.uniform(f"{name}/WSM_{i}", (), 0.2, 1.6))
        for i in range(2)
    ]
    total = raw.AddV2(x=raw.AddV2(x=gates[0], y=gates[1]), y=tf.constant(1e-4))
    terms = [
        raw.RealDiv(x=raw.Mul(x=edge, y=gate), y=total)
        for edge, gate in zip((a, b), gates, strict=True)
    ]
    x = kind.activation(raw.AddV2(x=terms[0], y=terms[1]))
    depth = weights.depthwise_kernel(f"{name}/depth", (3, 3, CHANNELS, 1))
    x = spellings._depthwise(x, depth, name=f"{name}/depthwise")
    return spellings.bn_fused_v3(
        weights, spellings._conv_1x1(weights, x, CHANNELS, f"{name}/point"), name
    )


def _pool(x: Tensor) -> Tensor:
    return raw.MaxPool(
        input=x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME"
    )


def pyramid(kind: Kind, size: tuple[int, int], weights: Weights) -> Built:
    """Levels 3 to 5: down, top-down with resizing, bottom-up with pooling."""
    sides = [None, None] if kind.open_sides else list(size)
    batch = None if kind.open_batch else 1
    x = v1.placeholder(tf.float32, [batch, *sides, 3], name="input")
    maps = []
    for level in range(1, LEVELS + 1):
        x = kind.activation(kind.down(weights, x, f"down_{level}"))
        if level >= 3:
            x = _excite(weights, x, kind, f"se_{level}")
            maps.append(x)
    tops = [maps[-1]]
    for level, lower in ((4, maps[1]), (3, maps[0])):
        wide = kind.resize(tops[0], lower)
        tops.insert(0, _fuse(weights, lower, wide, kind, f"top_{level}"))
    for i in (1, 2):
        tops[i] = _fuse(weights, tops[i], _pool(tops[i - 1]), kind, f"up_{i}")
    head = weights.kernel("head/kernel", (3, 3, CHANNELS, 4))
    outputs = [
        spellings._conv(top, head, name=f"head_{i}") for i, top in enumerate(tops)
    ]
    return Built({"input:0": steps_input(size)}, [o.name for o in outputs])


def kinds() -> list[Kind]:
    return [
        Kind(
            "odd_levels",
            "resize to constant sizes; levels of 9, 5 and 3 rows become even",
            (72, 88),
            (64, 128),
            resize_to_constant,
            spellings._mean,
            spellings.swish_identity_n,
            down_same,
        ),
        Kind(
            "open_sides",
            "height and width open; sizes computed by Shape and StridedSlice",
            (72, 88),
            (96, 64),
            resize_to_shape,
            mean_and_reshape,
            spellings.hswish,
            down_same,
            open_sides=True,
        ),
        Kind(
            "reshape_ones",
            "batch open; Reshape and ones, AvgPool over the map, Pad then VALID",
            (64, 96),
            (96, 64),
            resize_by_ones,
            spellings._whole_map_pool,
            spellings.swish_native,
            down_padded,
            open_batch=True,
        ),
        Kind(
            "cut_and_filled",
            "twice the side and cut to the map; smooth relu by constant Fill",
            (72, 96),
            (96, 64),
            resize_twice_and_cut,
            spellings._mean_negative_axes,
            spellings.srelu,
            down_same,
        ),
    ]


def make_pair(kind: Kind) -> tuple[Golden, Recipe]:
    """The graph of the old size with the arrays of the new one."""

    def recipe(size: tuple[int, int]) -> Recipe:
        build = functools.partial(pyramid, kind, size)
        return Recipe(kind.name, kind.what, build)

    old = make(recipe(kind.old))
    return Golden(old.graph, make(recipe(kind.new)).arrays), recipe(kind.old)


INTRODUCTION = """# Golden graphs at another size

`NAME.pb` is a small pyramid frozen for the old size; `NAME.npz` holds `in_input`
and the outputs `out_head_0` .. `out_head_2` that TensorFlow gave for the same
network, same weights, built for the new size. Made by

    TF_ENABLE_ONEDNN_OPTS=0 python tools/golden/reshaping.py

with TensorFlow {tensorflow} and NumPy {numpy} on a CPU, oneDNN layers off. The
weights are random. Graphs, weights and arrays are our own work, Apache-2.0 like
the repository. Compare each output against its own range.

| graph | old height x width | new | what it exercises |
| --- | --- | --- | --- |
"""


def readme() -> str:
    head = INTRODUCTION.format(tensorflow=tf.__version__, numpy=np.__version__)
    rows = [
        f"| {k.name}.pb | {k.old[0]} x {k.old[1]} | {k.new[0]} x {k.new[1]} "
        f"| {k.what} |\n"
        for k in kinds()
    ]
    return head + "".join(rows)


def main() -> int:
    for kind in kinds():
        golden, recipe = make_pair(kind)
        size = write(golden, recipe, FOLDER)
        print(f"{kind.name:20} {size:8} bytes")
    (FOLDER / "README.md").write_text(readme())
    return 0


if __name__ == "__main__":
    sys.exit(main())
