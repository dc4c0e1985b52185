# SPDX-License-Identifier: Apache-2.0
"""One small frozen TensorFlow graph and the outputs TensorFlow gives for it.

Holds what every recipe shares: seeded weights, constants, running and writing.
Knows no spelling of any layer; those are in spellings.py and serving.py.
"""

from __future__ import annotations

import dataclasses
import io
import os
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from google.protobuf import text_format  # noqa: E402

Array = np.ndarray
GraphDef = tf.compat.v1.GraphDef
Rewrite = Callable[[GraphDef], GraphDef]

# Of a zip archive.
LOCAL_HEADER_BYTES = 30
EXTRA_HEADER_BYTES = 4
EXTRA_PADDING = 0xD935


def same_graph(graph_def: GraphDef) -> GraphDef:
    """The rewrite that changes nothing."""
    return graph_def


class Weights:
    """Seeded random constants; the same name and shape give the same values."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, zlib.crc32(name.encode())])

    def normal(self, name: str, shape: Sequence[int], std: float = 1.0) -> tf.Tensor:
        values = self._rng(name).normal(0.0, std, shape)
        return self.const(name, values)

    def uniform(
        self, name: str, shape: Sequence[int], low: float, high: float
    ) -> tf.Tensor:
        return self.const(name, self._rng(name).uniform(low, high, shape))

    def kernel(self, name: str, shape: Sequence[int]) -> tf.Tensor:
        """A convolution kernel that keeps the spread of its input."""
        return self.normal(name, shape, float(np.sqrt(1.0 / np.prod(shape[:-1]))))

    def depthwise_kernel(self, name: str, shape: Sequence[int]) -> tf.Tensor:
        return self.normal(name, shape, float(np.sqrt(1.0 / np.prod(shape[:2]))))

    @staticmethod
    def const(name: str, values: Array) -> tf.Tensor:
        return tf.constant(np.asarray(values, np.float32), name=name)


@dataclasses.dataclass(frozen=True)
class Built:
    """What a recipe built in the default graph: its feeds and its outputs."""

    feeds: Mapping[str, Array]
    outputs: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A named graph: what it exercises, how to build it, how to rewrite it."""

    name: str
    what: str
    build: Callable[[Weights], Built]
    rewrite: Rewrite = same_graph
    text: bool = False

    @property
    def file_name(self) -> str:
        return self.name + (".pbtxt" if self.text else ".pb")


@dataclasses.dataclass(frozen=True)
class Golden:
    """A serialized graph, what was fed to it and what TensorFlow gave back."""

    graph: bytes
    arrays: Mapping[str, Array]


def float_input(
    name: str, shape: Sequence[int], static_batch: bool = True
) -> tf.Tensor:
    """A float placeholder; with static_batch false its batch is left open."""
    dims = [shape[0] if static_batch else None, *shape[1:]]
    return tf.compat.v1.placeholder(tf.float32, dims, name=name)


def random_input(shape: Sequence[int]) -> Array:
    return np.random.default_rng(20260101).normal(0.0, 1.0, shape).astype(np.float32)


def _array_key(prefix: str, tensor_name: str) -> str:
    return f"{prefix}_{tensor_name.removesuffix(':0').replace('/', '_')}"


def serialize(graph_def: GraphDef, text: bool) -> bytes:
    if text:
        return text_format.MessageToString(graph_def).encode()
    return graph_def.SerializeToString(deterministic=True)


def parse(data: bytes, text: bool) -> GraphDef:
    graph_def = GraphDef()
    if text:
        text_format.Parse(data.decode(), graph_def)
    else:
        graph_def.ParseFromString(data)
    return graph_def


def run(
    graph_def: GraphDef, feeds: Mapping[str, Array], outputs: Sequence[str]
) -> dict[str, Array]:
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        values = session.run(list(outputs), dict(feeds))
    return dict(zip(outputs, values, strict=True))


def make(recipe: Recipe) -> Golden:
    """Builds the graph, serializes it and runs TensorFlow on those very bytes."""
    graph = tf.Graph()
    with graph.as_default():
        built = recipe.build(Weights(zlib.crc32(recipe.name.encode())))
    names = [output.split(":")[0] for output in built.outputs]
    frozen = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), names)
    data = serialize(recipe.rewrite(frozen), recipe.text)
    outputs = run(parse(data, recipe.text), built.feeds, built.outputs)
    arrays = {_array_key("in", name): value for name, value in built.feeds.items()}
    arrays |= {
        _array_key("out", name): np.asarray(value, np.float32)
        for name, value in outputs.items()
    }
    return Golden(data, arrays)


def write_arrays(path: pathlib.Path, arrays: Mapping[str, Array]) -> None:
    """An .npz without compression, since an archive packs it better; the same
    arrays give the same bytes. Values begin at multiples of four bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, values in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            begin = archive.fp.tell() + LOCAL_HEADER_BYTES + len(member.filename)
            padding = -(begin + EXTRA_HEADER_BYTES) % 4
            member.extra = struct.pack("<HH", EXTRA_PADDING, padding) + bytes(padding)
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(values), allow_pickle=False)
            archive.writestr(member, content.getvalue())


def write(golden: Golden, recipe: Recipe, folder: pathlib.Path) -> int:
    """Writes the graph and its arrays; returns the bytes written."""
    folder.mkdir(parents=True, exist_ok=True)
    graph_path = folder / recipe.file_name
    arrays_path = folder / f"{recipe.name}.npz"
    graph_path.write_bytes(golden.graph)
    write_arrays(arrays_path, golden.arrays)
    return graph_path.stat().st_size + arrays_path.stat().st_size
