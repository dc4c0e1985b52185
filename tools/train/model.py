# SPDX-License-Identifier: Apache-2.0
"""EfficientDet D0, D1 and D2 with the structure of google/automl.

Reference: efficientdet/{hparams_config,efficientdet_arch}.py and backbone/
efficientnet_model.py. Tensors are N x C x H x W. Tested by model_test.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

import native_ops

BATCH_NORM_EPSILON = 1e-3
# PyTorch's momentum is one minus TensorFlow's (0.99).
BATCH_NORM_MOMENTUM = 0.01
LEVELS = 5  # P3 ... P7
ANCHORS_PER_CELL = 9
FUSION_EPSILON = 1e-4
CLASS_BIAS = -math.log(99.0)


@dataclass(frozen=True)
class ModelConfig:
    """What differs between the sizes of the family."""

    name: str
    backbone: str
    width: float
    depth: float
    image_px: int
    fpn_filters: int
    fpn_cells: int
    head_repeats: int = 3


CONFIGS = {
    "d0": ModelConfig("efficientdet-d0", "efficientnet-b0", 1.0, 1.0, 512, 64, 3),
    "d1": ModelConfig("efficientdet-d1", "efficientnet-b1", 1.0, 1.1, 640, 88, 4),
    "d2": ModelConfig("efficientdet-d2", "efficientnet-b2", 1.1, 1.2, 768, 112, 5),
}


@dataclass(frozen=True)
class BlockConfig:
    """One inverted residual block after scaling of width and depth."""

    kernel: int
    stride: int
    expand: int
    channels_in: int
    channels_out: int

    @property
    def channels_expanded(self) -> int:
        return self.channels_in * self.expand

    @property
    def channels_squeezed(self) -> int:
        return max(1, self.channels_in // 4)

    @property
    def is_residual(self) -> bool:
        return self.stride == 1 and self.channels_in == self.channels_out


# EfficientNet-B0: (kernel, repeats, in, out, expand, stride).
_B0_STAGES = (
    (3, 1, 32, 16, 1, 1),
    (3, 2, 16, 24, 6, 2),
    (5, 2, 24, 40, 6, 2),
    (3, 3, 40, 80, 6, 2),
    (5, 3, 80, 112, 6, 1),
    (5, 4, 112, 192, 6, 2),
    (3, 1, 192, 320, 6, 1),
)


def round_filters(channels: int, width: float) -> int:
    """automl's rule: a multiple of 8, never below 90 % of the product."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def block_configs(config: ModelConfig) -> list[BlockConfig]:
    """The backbone's blocks in order."""
    blocks = []
    for kernel, repeats, channels_in, channels_out, expand, stride in _B0_STAGES:
        source = round_filters(channels_in, config.width)
        target = round_filters(channels_out, config.width)
        for repeat in range(math.ceil(repeats * config.depth)):
            first = repeat == 0
            blocks.append(
                BlockConfig(
                    kernel,
                    stride if first else 1,
                    expand,
                    source if first else target,
                    target,
                )
            )
    return blocks


def feature_blocks(blocks: list[BlockConfig]) -> list[int]:
    """Indices of the blocks that give P3, P4 and P5: the last of each size."""
    strided = [i for i, block in enumerate(blocks) if block.stride == 2]
    return [strided[2] - 1, strided[3] - 1, len(blocks) - 1]


@dataclass(frozen=True)
class FusionNode:
    """One node of a BiFPN cell; inputs are feature ids (0..4 = P3..P7)."""

    level: int
    inputs: tuple[int, ...]


FUSION_NODES = (
    FusionNode(6, (3, 4)),
    FusionNode(5, (2, 5)),
    FusionNode(4, (1, 6)),
    FusionNode(3, (0, 7)),
    FusionNode(4, (1, 7, 8)),
    FusionNode(5, (2, 6, 9)),
    FusionNode(6, (3, 5, 10)),
    FusionNode(7, (4, 11)),
)
# Feature ids that a cell hands on as P3 ... P7.
CELL_OUTPUTS = (8, 9, 10, 11, 12)


def feature_level(feature: int) -> int:
    """Pyramid level of a feature id inside a cell."""
    return feature + 3 if feature < LEVELS else FUSION_NODES[feature - LEVELS].level


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padding = same_padding(x, self.kernel_size[0], self.stride[0])
        if self.groups > 1:
            return native_ops.depthwise(x, self.weight, self.stride[0], padding)
        return super().forward(F.pad(x, padding))


def same_padding(x: torch.Tensor, kernel: int, stride: int) -> list[int]:
    """left, right, top, bottom for F.pad."""
    padding = []
    for size in (x.shape[3], x.shape[2]):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        padding += [total // 2, total - total // 2]
    return padding


def max_pool_same(x: torch.Tensor) -> torch.Tensor:
    """3 x 3 maximum, stride 2, SAME (padding never wins)."""
    if x.shape[2] % 2 == 0 and x.shape[3] % 2 == 0:
        return F.max_pool2d(x, 3, 2, ceil_mode=True)
    return F.max_pool2d(F.pad(x, same_padding(x, 3, 2), value=-math.inf), 3, 2)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM)


def norm(layer: nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    return native_ops.batch_norm(layer, x, swish=False)


def norm_swish(layer: nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    return native_ops.batch_norm(layer, x, swish=True)


class Block(nn.Module):
    """Inverted residual block with squeeze and excitation."""

    def __init__(self, config: BlockConfig) -> None:
        super().__init__()
        inner = config.channels_expanded
        self.config = config
        if config.expand != 1:
            self.expand = nn.Conv2d(config.channels_in, inner, 1, bias=False)
            self.expand_norm = batch_norm(inner)
        self.depthwise = SameConv2d(
            inner, inner, config.kernel, config.stride, groups=inner, bias=False
        )
        self.depthwise_norm = batch_norm(inner)
        self.squeeze = nn.Conv2d(inner, config.channels_squeezed, 1)
        self.excite = nn.Conv2d(config.channels_squeezed, inner, 1)
        self.project = nn.Conv2d(inner, config.channels_out, 1, bias=False)
        self.project_norm = batch_norm(config.channels_out)

    def forward(self, src: torch.Tensor) -> torch.Tensor:
        x = src
        if self.config.expand != 1:
            x = norm_swish(self.expand_norm, self.expand(x))
        x = norm_swish(self.depthwise_norm, self.depthwise(x))
        x = native_ops.squeeze_excite(self.squeeze, self.excite, x)
        x = norm(self.project_norm, self.project(x))
        return x + src if self.config.is_residual else x


class Backbone(nn.Module):
    """EfficientNet without its classifier; gives P3, P4 and P5."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        blocks = block_configs(config)
        stem = round_filters(32, config.width)
        self.stem = SameConv2d(3, stem, 3, 2, bias=False)
        self.stem_norm = batch_norm(stem)
        self.blocks = nn.ModuleList(Block(block) for block in blocks)
        self.features = feature_blocks(blocks)
        self.channels = [blocks[i].channels_out for i in self.features]

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = norm_swish(self.stem_norm, self.stem(x))
        outputs = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.features:
                outputs.append(x)
        return outputs


class Resample(nn.Module):
    """1 x 1 convolution and batch norm where the channels differ."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 1)
        self.norm = batch_norm(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return norm(self.norm, self.conv(x))


class SeparableConv(nn.Module):
    """3 x 3 depthwise, then pointwise with bias; linear inside."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.depthwise = SameConv2d(
            channels_in, channels_in, 3, groups=channels_in, bias=False
        )
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pointwise(self.depthwise(x))


class BiFpnCell(nn.Module):
    """One BiFPN cell with fast attention; channels: of its five inputs."""

    def __init__(self, channels: list[int], filters: int) -> None:
        super().__init__()
        self.resample = nn.ModuleDict()
        for index, node in enumerate(FUSION_NODES):
            for feature in node.inputs:
                if feature < LEVELS and channels[feature] != filters:
                    name = f"{index}_{feature}"
                    self.resample[name] = Resample(channels[feature], filters)
        self.weights = nn.ParameterList(
            nn.Parameter(torch.ones(len(node.inputs))) for node in FUSION_NODES
        )
        self.convs = nn.ModuleList(
            SeparableConv(filters, filters) for _ in FUSION_NODES
        )
        self.norms = nn.ModuleList(batch_norm(filters) for _ in FUSION_NODES)

    def _fuse(
        self, index: int, features: list[torch.Tensor], sizes: list[torch.Size]
    ) -> torch.Tensor:
        node = FUSION_NODES[index]
        weights = F.relu(self.weights[index])
        weights = weights / (weights.sum() + FUSION_EPSILON)
        maps = []
        for feature in node.inputs:
            x = features[feature]
            name = f"{index}_{feature}"
            if name in self.resample:
                x = self.resample[name](x)
            if feature_level(feature) < node.level:
                x = max_pool_same(x)
            elif feature_level(feature) > node.level:
                x = F.interpolate(x, size=sizes[node.level - 3], mode="nearest")
            maps.append(x)
        return native_ops.weighted_sum_swish(weights, maps)

    def forward(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        features = list(inputs)
        sizes = [x.shape[2:] for x in inputs]
        for index in range(len(FUSION_NODES)):
            x = self.convs[index](self._fuse(index, features, sizes))
            features.append(norm(self.norms[index], x))
        return [features[i] for i in CELL_OUTPUTS]


class Head(nn.Module):
    """Class or box head: shared convolutions, batch norms of each level."""

    def __init__(self, filters: int, repeats: int, outputs: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            SeparableConv(filters, filters) for _ in range(repeats)
        )
        self.norms = nn.ModuleList(
            nn.ModuleList(batch_norm(filters) for _ in range(LEVELS))
            for _ in range(repeats)
        )
        self.predict = SeparableConv(filters, outputs)

    def forward(self, features: list[torch.Tensor]) -> list[torch.Tensor]:
        outputs = []
        for level, x in enumerate(features):
            for conv, norms in zip(self.convs, self.norms, strict=True):
                x = norm_swish(norms[level], conv(x))
            outputs.append(self.predict(x))
        return outputs


class EfficientDet(nn.Module):
    """Normalised image -> class logits and box deltas of P3 ... P7.

    Class outputs have 9 x classes channels, box outputs 9 x 4 in the order
    ty, tx, th, tw (automl's).
    """

    def __init__(self, config: ModelConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        self.classes = classes
        filters = config.fpn_filters
        self.backbone = Backbone(config)
        self.p6 = Resample(self.backbone.channels[-1], filters)
        channels = [*self.backbone.channels, filters, filters]
        self.cells = nn.ModuleList(
            BiFpnCell(channels if i == 0 else [filters] * LEVELS, filters)
            for i in range(config.fpn_cells)
        )
        repeats = config.head_repeats
        self.class_net = Head(filters, repeats, ANCHORS_PER_CELL * classes)
        self.box_net = Head(filters, repeats, ANCHORS_PER_CELL * 4)
        self.apply(_initialise)
        nn.init.constant_(self.class_net.predict.pointwise.bias, CLASS_BIAS)

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        features = self.backbone(x)
        features.append(max_pool_same(self.p6(features[-1])))
        features.append(max_pool_same(features[-1]))
        for cell in self.cells:
            features = cell(features)
        return self.class_net(features), self.box_net(features)


def _initialise(module: nn.Module) -> None:
    """He's normal for convolutions, over the fan-out, as the backbone does."""
    if isinstance(module, nn.Conv2d):
        area = module.kernel_size[0] * module.kernel_size[1]
        fan_out = area * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def make_model(size: str, classes: int) -> EfficientDet:
    """size: d0, d1 or d2."""
    return EfficientDet(CONFIGS[size], classes)


def parameter_count(model: nn.Module) -> int:
    """Trainable parameters, as automl counts them."""
    return sum(p.numel() for p in model.parameters())
