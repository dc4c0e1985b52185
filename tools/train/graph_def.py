# SPDX-License-Identifier: Apache-2.0
"""TensorFlow GraphDefs as bytes, without TensorFlow: the few fields needed.

Reads and writes nodes with the attributes that frozen convolutional networks
have. Not a general protocol buffer library. Tested by export_test.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

# TensorFlow's DataType numbers.
FLOAT, INT32, STRING, HALF = 1, 3, 7, 19
NUMPY_TYPES = {
    FLOAT: np.dtype("<f4"),
    INT32: np.dtype("<i4"),
    HALF: np.dtype("<f2"),
}
TYPE_NUMBERS = {dtype: number for number, dtype in NUMPY_TYPES.items()}


@dataclass(frozen=True)
class DataType:
    """An attribute that holds a type."""

    number: int


@dataclass(frozen=True)
class Shape:
    """An attribute that holds a shape; -1 is an unknown size."""

    sizes: tuple[int, ...]


Attribute = (
    bytes | int | float | bool | DataType | Shape | np.ndarray | list["Attribute"]
)


@dataclass
class Node:
    """One NodeDef; inputs as in the file ("name", "name:1", "^control")."""

    name: str
    op: str
    inputs: list[str] = field(default_factory=list)
    attributes: dict[str, Attribute] = field(default_factory=dict)


# ---------------------------------------------------------------- wire format


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tagged(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _message(number: int, content: bytes) -> bytes:
    return _tagged(number, 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _tagged(number, 0) + _varint(value)


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and values: int for varints, bytes for all else."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        wire_type = tag & 7
        if wire_type == 0:
            value, at = _read_varint(data, at)
            yield tag >> 3, value
            continue
        if wire_type == 2:
            size, at = _read_varint(data, at)
        else:
            size = {1: 8, 5: 4}[wire_type]
        yield tag >> 3, data[at : at + size]
        at += size


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


# -------------------------------------------------------------------- writing


def _shape_bytes(sizes: tuple[int, ...]) -> bytes:
    return b"".join(_message(2, _number(1, size)) for size in sizes)


def _tensor_bytes(values: np.ndarray) -> bytes:
    return (
        _number(1, TYPE_NUMBERS[values.dtype])
        + _message(2, _shape_bytes(values.shape))
        + _message(4, values.tobytes())
    )


def _list_bytes(values: list[Attribute]) -> bytes:
    """AttrValue.ListValue; a list holds ints (packed) or types."""
    if not values:
        return b""
    if all(isinstance(value, DataType) for value in values):
        return _message(6, b"".join(_varint(value.number) for value in values))
    return _message(3, b"".join(_varint(value) for value in values))


def _attribute_bytes(value: Attribute) -> bytes:
    match value:
        case bytes():
            return _message(2, value)
        case bool():
            return _number(5, int(value))
        case int():
            return _number(3, value)
        case float():
            return _tagged(4, 5) + struct.pack("<f", value)
        case DataType():
            return _number(6, value.number)
        case Shape():
            return _message(7, _shape_bytes(value.sizes))
        case np.ndarray():
            return _message(8, _tensor_bytes(value))
        case list():
            return _message(1, _list_bytes(value))
    raise TypeError(f"attribute {value!r}: kind not known")


def _node_bytes(node: Node) -> bytes:
    out = _message(1, node.name.encode()) + _message(2, node.op.encode())
    out += b"".join(_message(3, name.encode()) for name in node.inputs)
    for key in sorted(node.attributes):
        value = _attribute_bytes(node.attributes[key])
        out += _message(5, _message(1, key.encode()) + _message(2, value))
    return out


def write_graph(nodes: list[Node], producer: int = 1482) -> bytes:
    """The GraphDef; producer: TensorFlow 2.15's number."""
    versions = _message(4, _number(1, producer) + _number(2, 12))
    return b"".join(_message(1, _node_bytes(node)) for node in nodes) + versions


# -------------------------------------------------------------------- reading


def _read_shape(data: memoryview) -> tuple[int, ...]:
    sizes = []
    for number, value in _fields(data):
        if number == 2:
            size = dict(_fields(value)).get(1, 0)
            sizes.append(_signed(size))
    return tuple(sizes)


def _read_tensor(data: memoryview) -> np.ndarray | None:
    """None for types other than float, half and int32."""
    content, shape, dtype, single = b"", (), 0, []
    for number, value in _fields(data):
        if number == 1:
            dtype = value
        elif number == 2:
            shape = _read_shape(value)
        elif number == 4:
            content = bytes(value)
        elif number == 5:
            single += np.frombuffer(value, "<f4").tolist()
        elif number == 7:
            single += _read_ints(value)
    if dtype not in NUMPY_TYPES:
        return None
    if content:
        return np.frombuffer(content, NUMPY_TYPES[dtype]).reshape(shape)
    values = np.zeros(shape, NUMPY_TYPES[dtype])
    flat = values.reshape(-1)
    if single:
        flat[: len(single)] = single
        flat[len(single) :] = single[-1]
    return values


def _read_ints(value: int | memoryview) -> list[int]:
    if isinstance(value, int):
        return [_signed(value)]
    out, at = [], 0
    while at < len(value):
        item, at = _read_varint(value, at)
        out.append(_signed(item))
    return out


def _read_list(data: memoryview) -> list[Attribute]:
    out: list[Attribute] = []
    for number, value in _fields(data):
        if number == 3:
            out += _read_ints(value)
        elif number == 6:
            out += [DataType(item) for item in _read_ints(value)]
    return out


def _read_attribute(data: memoryview) -> Attribute | None:
    """None for kinds that no network node has (functions, placeholders)."""
    for number, value in _fields(data):
        match number:
            case 1:
                return _read_list(value)
            case 2:
                return bytes(value)
            case 3:
                return _signed(value)
            case 4:
                return float(struct.unpack("<f", value)[0])
            case 5:
                return bool(value)
            case 6:
                return DataType(value)
            case 7:
                return Shape(_read_shape(value))
            case 8:
                return _read_tensor(value)
    return []


def _read_node(data: memoryview) -> Node:
    node = Node("", "")
    for number, value in _fields(data):
        if number == 1:
            node.name = bytes(value).decode()
        elif number == 2:
            node.op = bytes(value).decode()
        elif number == 3:
            node.inputs.append(bytes(value).decode())
        elif number == 5:
            entry = dict(_fields(value))
            attribute = _read_attribute(entry.get(2, memoryview(b"")))
            if attribute is not None:
                node.attributes[bytes(entry[1]).decode()] = attribute
    return node


def read_graph(data: bytes) -> list[Node]:
    """The nodes of a GraphDef in the order of the file."""
    return [
        _read_node(value) for number, value in _fields(memoryview(data)) if number == 1
    ]
