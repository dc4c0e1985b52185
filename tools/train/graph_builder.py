# SPDX-License-Identifier: Apache-2.0
"""The frozen network graph of a model, with google/automl's node names.

What `model_inspect.py --runmode=freeze` gives: placeholder `input` (B x H x W x
3, normalised) and ten raw outputs. Node by node the same as automl's D2 as
TensorFlow froze it (data/golden/automl_d2.txt.xz), which the test compares. With
half=True kernels take half the bytes: automl's constant `X` becomes a Cast to
float of the constant `X/half`; all else stays. Tested by graph_builder_test.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from graph_def import (
    FLOAT,
    HALF,
    INT32,
    TYPE_NUMBERS,
    Attribute,
    DataType,
    Node,
    Shape,
)
from model import (
    BATCH_NORM_EPSILON,
    CELL_OUTPUTS,
    FUSION_EPSILON,
    FUSION_NODES,
    LEVELS,
    BiFpnCell,
    Block,
    EfficientDet,
    Head,
    Resample,
    SeparableConv,
    feature_level,
)

INPUT_NAME = "input"
OUTPUT_NAMES = tuple(
    f"{net}_net/{net}-predict{suffix}/BiasAdd"
    for net in ("class", "box")
    for suffix in ("", "_1", "_2", "_3", "_4")
)
_T = DataType(FLOAT)
_NHWC = {"T": _T, "data_format": b"NHWC"}

Layout = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Source:
    """Where a constant comes from: parameter, and how TensorFlow lays it out.

    element: of a vector that TensorFlow holds as scalars, else None.
    """

    key: str
    axes: tuple[int, ...] | None = None
    element: int | None = None

    def value(self, state: dict[str, torch.Tensor]) -> np.ndarray:
        tensor = state[self.key].detach().float().cpu()
        if self.element is not None:
            tensor = tensor[self.element]
        if self.axes is not None:
            tensor = tensor.permute(self.axes)
        return np.array(tensor.contiguous().numpy(), np.float32)

    def store(self, state: dict[str, torch.Tensor], value: np.ndarray) -> None:
        tensor = torch.from_numpy(value.copy())
        if self.element is not None:
            state[self.key][self.element] = tensor
        elif self.axes is not None:
            state[self.key].copy_(tensor.permute(tuple(np.argsort(self.axes))))
        else:
            state[self.key].copy_(tensor)

    @property
    def is_kernel(self) -> bool:
        return self.axes is not None


def as_half(name: str, value: np.ndarray) -> np.ndarray:
    """Rounded to half precision; ValueError for what lies outside its range."""
    limit, greatest = np.finfo(np.float16).max, np.abs(value).max()
    if not greatest <= limit:
        raise ValueError(f"{name}: {greatest}: half precision ends at {limit}")
    return value.astype(np.float16)


_KERNEL_AXES = (2, 3, 1, 0)  # O I H W -> H W I O.
_DEPTHWISE_AXES = (2, 3, 0, 1)  # C 1 H W -> H W C 1.


class GraphBuilder:
    """Collects nodes; names repeat as TensorFlow's do (mul, mul_1, ...)."""

    def __init__(
        self, model: EfficientDet, height: int, width: int, half: bool = False
    ) -> None:
        self.nodes: list[Node] = []
        self.sources: dict[str, Source] = {}
        self._half = half
        self._state = model.state_dict()
        self._names = {id(module): name for name, module in model.named_modules()}
        self._used: Counter[str] = Counter()
        self._sizes = {0: (height, width)}
        for level in range(1, 3 + LEVELS):
            rows, columns = self._sizes[level - 1]
            self._sizes[level] = ((rows + 1) // 2, (columns + 1) // 2)
        self._build(model, height, width)

    def _unique(self, name: str) -> str:
        count = self._used[name]
        self._used[name] += 1
        return f"{name}_{count}" if count else name

    def _add(
        self, name: str, op: str, inputs: list[str], **attributes: Attribute
    ) -> str:
        self.nodes.append(Node(name, op, inputs, attributes))
        return name

    def _constant(self, name: str, value: np.ndarray) -> str:
        kind = DataType(TYPE_NUMBERS[value.dtype])
        return self._add(name, "Const", [], dtype=kind, value=value)

    def _half_constant(self, name: str, value: np.ndarray) -> str:
        half = self._constant(f"{name}/half", as_half(name, value))
        types = {"SrcT": DataType(HALF), "DstT": _T, "Truncate": False}
        return self._add(name, "Cast", [half], **types)

    def _scalar(self, name: str, value: float) -> str:
        return self._constant(name, np.array(value, np.float32))

    def _variable(self, name: str, source: Source) -> str:
        """A constant once, however many nodes read it."""
        if name not in self.sources:
            self.sources[name] = source
            is_half = self._half and source.is_kernel
            add = self._half_constant if is_half else self._constant
            add(name, source.value(self._state))
        return name

    def _read(self, name: str, variable: str) -> str:
        return self._add(name, "Identity", [variable], T=_T)

    def _key(self, module: nn.Module, parameter: str) -> str:
        return f"{self._names[id(module)]}.{parameter}"

    def _convolve(
        self, name: str, op: str, inputs: list[str], stride: int, pad: bytes = b"SAME"
    ) -> str:
        attributes: dict[str, Attribute] = {
            "strides": [1, stride, stride, 1],
            "dilations": [1, 1, 1, 1],
            "explicit_paddings": [],
            "padding": pad,
        }
        if op == "Conv2D":
            attributes["use_cudnn_on_gpu"] = True
        return self._add(name, op, inputs, **_NHWC, **attributes)

    def _bias(self, scope: str, variable: str, x: str) -> str:
        bias = self._read(f"{scope}/BiasAdd/ReadVariableOp", variable)
        return self._add(f"{scope}/BiasAdd", "BiasAdd", [x, bias], **_NHWC)

    def _conv(self, scope: str, x: str, conv: nn.Conv2d) -> str:
        kernel = self._variable(
            f"{scope}/kernel", Source(self._key(conv, "weight"), _KERNEL_AXES)
        )
        read = self._read(f"{scope}/Conv2D/ReadVariableOp", kernel)
        x = self._convolve(f"{scope}/Conv2D", "Conv2D", [x, read], conv.stride[0])
        if conv.bias is None:
            return x
        bias = self._variable(f"{scope}/bias", Source(self._key(conv, "bias")))
        return self._bias(scope, bias, x)

    def _depthwise(self, scope: str, x: str, conv: nn.Conv2d) -> str:
        kernel = self._variable(
            f"{scope}/depthwise_kernel",
            Source(self._key(conv, "weight"), _DEPTHWISE_AXES),
        )
        read = self._read(f"{scope}/depthwise/ReadVariableOp", kernel)
        name = f"{scope}/depthwise"
        stride = conv.stride[0]
        return self._convolve(name, "DepthwiseConv2dNative", [x, read], stride)

    def _separable(self, scope: str, shared: str, x: str, conv: SeparableConv) -> str:
        """shared: scope of the constants, which several convolutions may read."""
        depthwise = self._variable(
            f"{shared}/depthwise_kernel",
            Source(self._key(conv.depthwise, "weight"), _DEPTHWISE_AXES),
        )
        pointwise = self._variable(
            f"{shared}/pointwise_kernel",
            Source(self._key(conv.pointwise, "weight"), _KERNEL_AXES),
        )
        bias = self._variable(
            f"{shared}/bias", Source(self._key(conv.pointwise, "bias"))
        )
        name = f"{scope}/separable_conv2d"
        reads = [
            self._read(f"{name}/ReadVariableOp", depthwise),
            self._read(f"{name}/ReadVariableOp_1", pointwise),
        ]
        op = "DepthwiseConv2dNative"
        x = self._convolve(f"{name}/depthwise", op, [x, reads[0]], 1)
        x = self._convolve(name, "Conv2D", [x, reads[1]], 1, b"VALID")
        return self._bias(scope, bias, x)

    def _norm(self, scope: str, x: str, norm: nn.BatchNorm2d) -> str:
        reads = []
        for name, parameter, read in (
            ("gamma", "weight", "ReadVariableOp"),
            ("beta", "bias", "ReadVariableOp_1"),
            ("moving_mean", "running_mean", "FusedBatchNormV3/ReadVariableOp"),
            ("moving_variance", "running_var", "FusedBatchNormV3/ReadVariableOp_1"),
        ):
            source = Source(self._key(norm, parameter))
            variable = self._variable(f"{scope}/{name}", source)
            reads.append(self._read(f"{scope}/{read}", variable))
        return self._add(
            f"{scope}/FusedBatchNormV3",
            "FusedBatchNormV3",
            [x, *reads],
            **_NHWC,
            U=_T,
            epsilon=float(np.float32(BATCH_NORM_EPSILON)),
            exponential_avg_factor=1.0,
            is_training=False,
        )

    def _swish(self, scope: str, x: str) -> str:
        beta = self._scalar(self._unique(f"{scope}/beta"), 1.0)
        name = self._unique(f"{scope}/mul")
        scaled = self._add(name, "Mul", [beta, x], T=_T)
        name = self._unique(f"{scope}/Sigmoid")
        gate = self._add(name, "Sigmoid", [scaled], T=_T)
        name = self._unique(f"{scope}/mul")
        product = self._add(name, "Mul", [x, gate], T=_T)
        name = self._unique(f"{scope}/IdentityN")
        return self._add(name, "IdentityN", [product, x, beta], T=[_T] * 3)

    def _squeeze_excite(self, scope: str, x: str, block: Block) -> str:
        axes = self._constant(
            f"{scope}/Mean/reduction_indices", np.array([1, 2], np.int32)
        )
        mean = self._add(
            f"{scope}/Mean",
            "Mean",
            [x, axes],
            T=_T,
            Tidx=DataType(INT32),
            keep_dims=True,
        )
        gate = self._conv(f"{scope}/conv2d", mean, block.squeeze)
        gate = self._swish(scope, gate)
        gate = self._conv(f"{scope}/conv2d_1", gate, block.excite)
        name = self._unique(f"{scope}/Sigmoid")
        gate = self._add(name, "Sigmoid", [gate], T=_T)
        return self._add(self._unique(f"{scope}/mul"), "Mul", [gate, x], T=_T)

    def _block(self, scope: str, src: str, block: Block) -> str:
        def norm_scope() -> str:
            return self._unique(f"{scope}/tpu_batch_normalization")

        def conv_scope() -> str:
            return self._unique(f"{scope}/conv2d")

        x = src
        if block.config.expand != 1:
            x = self._conv(conv_scope(), x, block.expand)
            x = self._swish(scope, self._norm(norm_scope(), x, block.expand_norm))
        x = self._depthwise(f"{scope}/depthwise_conv2d", x, block.depthwise)
        x = self._swish(scope, self._norm(norm_scope(), x, block.depthwise_norm))
        x = self._squeeze_excite(f"{scope}/se", x, block)
        x = self._conv(conv_scope(), x, block.project)
        x = self._norm(norm_scope(), x, block.project_norm)
        # automl's earlier Identity nodes lead nowhere.
        number = 1 if block.config.expand == 1 else 2
        x = self._add(f"{scope}/Identity_{number}", "Identity", [x], T=_T)
        if not block.config.is_residual:
            return x
        return self._add(f"{scope}/Add", "AddV2", [x, src], T=_T)

    def _max_pool(self, scope: str, x: str) -> str:
        return self._add(
            f"{scope}/max_pooling2d/MaxPool",
            "MaxPool",
            [x],
            **_NHWC,
            ksize=[1, 3, 3, 1],
            strides=[1, 2, 2, 1],
            explicit_paddings=[],
            padding=b"SAME",
        )

    def _resize(self, scope: str, x: str, level: int) -> str:
        name = f"{scope}/ResizeNearestNeighbor"
        size = np.array(self._sizes[level], np.int32)
        size_name = self._constant(f"{name}/size", size)
        return self._add(
            name,
            "ResizeNearestNeighbor",
            [x, size_name],
            T=_T,
            align_corners=False,
            half_pixel_centers=False,
        )

    def _resample_conv(self, scope: str, x: str, resample: Resample) -> str:
        x = self._conv(f"{scope}/conv2d", x, resample.conv)
        return self._norm(f"{scope}/bn", x, resample.norm)

    def _backbone(self, model: EfficientDet) -> list[str]:
        backbone, root = model.backbone, model.config.backbone
        x = self._conv(f"{root}/stem/conv2d", INPUT_NAME, backbone.stem)
        scope = f"{root}/stem/tpu_batch_normalization"
        x = self._swish(f"{root}/stem", self._norm(scope, x, backbone.stem_norm))
        features = []
        for index, block in enumerate(backbone.blocks):
            x = self._block(f"{root}/blocks_{index}", x, block)
            if index in backbone.features:
                features.append(x)
        return features

    def _edge(
        self, scope: str, features: list[str], cell: BiFpnCell, index: int, i: int
    ) -> str:
        """Input i of fusion node `index`, brought to its channels and size."""
        node = FUSION_NODES[index]
        feature = node.inputs[i]
        scope = f"{scope}/resample_{i}_{feature}_{len(features)}"
        x = features[feature]
        name = f"{index}_{feature}"
        if name in cell.resample:
            x = self._resample_conv(scope, x, cell.resample[name])
        if feature_level(feature) < node.level:
            return self._max_pool(scope, x)
        if feature_level(feature) > node.level:
            return self._resize(scope, x, node.level)
        return x

    def _fuse(self, scope: str, edges: list[str], key: str) -> str:
        weights = []
        for i in range(len(edges)):
            variable = self._unique(f"{scope}/WSM")
            self._variable(variable, Source(key, element=i))
            name = self._unique(f"{scope}/Relu")
            read = self._read(f"{name}/ReadVariableOp", variable)
            weights.append(self._add(name, "Relu", [read], T=_T))
        count = len(edges)
        total = self._add(f"{scope}/AddN", "AddN", weights, T=_T, N=count)
        terms = []
        for edge, weight in zip(edges, weights, strict=True):
            name = self._unique(f"{scope}/mul")
            product = self._add(name, "Mul", [edge, weight], T=_T)
            name = self._unique(f"{scope}/add")
            epsilon = self._scalar(f"{name}/y", FUSION_EPSILON)
            divisor = self._add(name, "AddV2", [total, epsilon], T=_T)
            name = self._unique(f"{scope}/truediv")
            terms.append(self._add(name, "RealDiv", [product, divisor], T=_T))
        return self._add(f"{scope}/AddN_1", "AddN", terms, T=_T, N=count)

    def _cell(self, scope: str, inputs: list[str], cell: BiFpnCell) -> list[str]:
        features = list(inputs)
        for index, node in enumerate(FUSION_NODES):
            node_scope = f"{scope}/fnode{index}"
            edges = [
                self._edge(node_scope, features, cell, index, i)
                for i in range(len(node.inputs))
            ]
            key = f"{self._names[id(cell)]}.weights.{index}"
            x = self._fuse(node_scope, edges, key)
            combined = f"{node_scope}/op_after_combine{len(features)}"
            x = self._swish(combined, x)
            conv = f"{combined}/conv"
            x = self._separable(conv, conv, x, cell.convs[index])
            features.append(self._norm(f"{combined}/bn", x, cell.norms[index]))
        return [features[i] for i in CELL_OUTPUTS]

    def _head(self, net: str, features: list[str], head: Head) -> None:
        root = f"{net}_net"
        for level, x in enumerate(features):
            for repeat, conv in enumerate(head.convs):
                shared = f"{root}/{net}-{repeat}"
                x = self._separable(self._unique(shared), shared, x, conv)
                norm = head.norms[repeat][level]
                x = self._norm(f"{shared}-bn-{level + 3}", x, norm)
                x = self._swish(root, x)
            shared = f"{root}/{net}-predict"
            self._separable(self._unique(shared), shared, x, head.predict)

    def _build(self, model: EfficientDet, height: int, width: int) -> None:
        shape = Shape((1, height, width, 3))
        self._add(INPUT_NAME, "Placeholder", [], dtype=_T, shape=shape)
        features = self._backbone(model)
        x = self._resample_conv("resample_p6", features[-1], model.p6)
        features.append(self._max_pool("resample_p6", x))
        features.append(self._max_pool("resample_p7", features[-1]))
        for index, cell in enumerate(model.cells):
            features = self._cell(f"fpn_cells/cell_{index}", features, cell)
        self._head("class", features, model.class_net)
        self._head("box", features, model.box_net)


def load_from_graph(model: EfficientDet, nodes: list[Node]) -> None:
    """Sets the model's weights to those of a graph with automl's names."""
    by_name = {node.name: node for node in nodes}
    builder = GraphBuilder(model, model.config.image_px, model.config.image_px)
    state = model.state_dict()
    for name, source in builder.sources.items():
        node = by_name[name]
        constant = by_name[node.inputs[0]] if node.op == "Cast" else node
        source.store(state, constant.attributes["value"])
