# SPDX-License-Identifier: Apache-2.0
"""Fused training operators for CPUs, each with its plain PyTorch twin.

`enable()` compiles native_ops.cc (a minute, once; kept in the cache folder of
torch); without it, on GPUs and outside of training the twins run.
Tested by native_ops_test.py.
"""

from __future__ import annotations

import pathlib
from types import ModuleType

import torch
import torch.nn.functional as F

_FLAGS = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math"]
_FLAGS += ["-fopenmp", "-ffp-contract=fast", "-fno-signed-zeros"]
_FLAGS += ["-mprefer-vector-width=512", "-ffinite-math-only"]
_FLAGS += ["-funsafe-math-optimizations", "-mrecip"]
_native: list[ModuleType] = []


def enable() -> None:
    """From here on maps on the CPU that need gradients use native_ops.cc."""
    from torch.utils.cpp_extension import load

    if not _native:
        source = pathlib.Path(__file__).with_name("native_ops.cc")
        module = load("cyto8_native_ops", [str(source)], extra_cflags=_FLAGS, extra_ldflags=["-fopenmp"])
        _native.append(module)


def _is_native(x: torch.Tensor) -> bool:
    return bool(_native) and x.device.type == "cpu" and torch.is_grad_enabled()


def _channels_last(x: torch.Tensor) -> torch.Tensor:
    return x.contiguous(memory_format=torch.channels_last)


class _BatchNorm(torch.autograd.Function):
    """Batch norm with the batch's statistics or given ones, then swish."""

    @staticmethod
    def forward(ctx, x, weight, bias, mean, inverse, swish, frozen):  # noqa: ANN001, ANN205
        scale = (weight * inverse).contiguous()
        shift = (bias - mean * scale).contiguous()
        ctx.save_for_backward(x, scale, shift, mean, inverse)
        ctx.swish, ctx.frozen = swish, frozen
        return _native[0].scale_forward(x, scale, shift, swish)

    @staticmethod
    def backward(ctx, dy):  # noqa: ANN001, ANN205
        x, scale, shift, mean, inverse = ctx.saved_tensors
        native, dy = _native[0], _channels_last(dy)
        dz, sums = native.scale_backward_sums(dy, x, scale, shift, ctx.swish)
        sum_dz, sum_dz_x = sums[0], sums[1]
        dweight = (sum_dz_x - mean * sum_dz) * inverse
        slope = offset = torch.zeros_like(scale)
        if not ctx.frozen:
            count = x.numel() // x.shape[1]
            slope = -scale * inverse * dweight / count
            offset = -scale * sum_dz / count - slope * mean
        dx = native.scale_backward_input(dz, x, scale, slope, offset)
        return dx, dweight, sum_dz, None, None, None, None


def _batch_statistics(
    norm: torch.nn.BatchNorm2d, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of the batch; updates the running ones."""
    count = x.numel() // x.shape[1]
    with torch.no_grad():
        sums = _native[0].channel_sums(x) / count
        mean = sums[0]
        variance = (sums[1] - mean * mean).clamp_(min=0)
        unbiased = variance * (count / max(count - 1, 1))
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(unbiased, norm.momentum)
    return mean, variance


def batch_norm(
    norm: torch.nn.BatchNorm2d, x: torch.Tensor, swish: bool
) -> torch.Tensor:
    """swish(norm(x)) or norm(x); norm.training chooses the statistics."""
    if not _is_native(x):
        y = norm(x)
        return F.silu(y) if swish else y
    x = _channels_last(x)
    if norm.training:
        mean, variance = _batch_statistics(norm, x)
    else:
        mean, variance = norm.running_mean, norm.running_var
    inverse = torch.rsqrt(variance + norm.eps)
    return _BatchNorm.apply(
        x, norm.weight, norm.bias, mean, inverse, swish, not norm.training
    )


class _WeightedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weights, *maps):  # noqa: ANN001, ANN002, ANN205
        ctx.save_for_backward(weights, *maps)
        return _native[0].sum_forward(list(maps), weights)

    @staticmethod
    def backward(ctx, dy):  # noqa: ANN001, ANN205
        weights, *maps = ctx.saved_tensors
        *grads, dweights = _native[0].sum_backward(_channels_last(dy), maps, weights)
        return dweights, *grads


def weighted_sum_swish(weights: torch.Tensor, maps: list[torch.Tensor]) -> torch.Tensor:
    """swish(sum of weights[i] * maps[i])."""
    if _is_native(maps[0]):
        return _WeightedSum.apply(weights, *map(_channels_last, maps))
    total = maps[0] * weights[0].to(maps[0].dtype)
    for i, x in enumerate(maps[1:], start=1):
        total = total + x * weights[i].to(x.dtype)
    return F.silu(total)


class _SqueezeExcite(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, *layers):  # noqa: ANN001, ANN002, ANN205
        area = x.shape[2] * x.shape[3]
        with torch.enable_grad(), torch.autocast("cpu", enabled=False):
            leaves = [_native[0].area_sums(x, None) / area, *layers]
            leaves = [leaf.detach().requires_grad_() for leaf in leaves]
            gate = _gate(*leaves)
        ctx.save_for_backward(x)
        ctx.leaves, ctx.gate = leaves, gate
        factors = gate.detach().contiguous()
        return _native[0].area_scale(x, factors, torch.zeros_like(factors))

    @staticmethod
    def backward(ctx, dy):  # noqa: ANN001, ANN205
        (x,) = ctx.saved_tensors
        native, dy = _native[0], _channels_last(dy)
        dgate = native.area_sums(dy, x)
        dmean, *dlayers = torch.autograd.grad(ctx.gate, ctx.leaves, dgate)
        shift = dmean / (x.shape[2] * x.shape[3])
        factors = ctx.gate.detach().contiguous()
        return native.area_scale(dy, factors, shift.contiguous()), *dlayers


def _gate(
    mean: torch.Tensor,
    squeeze: torch.Tensor,
    squeeze_bias: torch.Tensor,
    excite: torch.Tensor,
    excite_bias: torch.Tensor,
) -> torch.Tensor:
    """N x C from the means of N x C; kernels are C_out x C_in x 1 x 1."""
    x = F.silu(F.linear(mean, squeeze.flatten(1), squeeze_bias))
    return torch.sigmoid(F.linear(x, excite.flatten(1), excite_bias))


def squeeze_excite(
    squeeze: torch.nn.Conv2d, excite: torch.nn.Conv2d, x: torch.Tensor
) -> torch.Tensor:
    """x scaled per image and channel by a gate made of its means."""
    layers = (squeeze.weight, squeeze.bias, excite.weight, excite.bias)
    if _is_native(x):
        return _SqueezeExcite.apply(_channels_last(x), *layers)
    gate = F.silu(squeeze(x.mean((2, 3), keepdim=True)))
    return x * torch.sigmoid(excite(gate))


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, stride, padding):  # noqa: ANN001, ANN205
        left, right, top, bottom = padding
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.top, ctx.left = stride, top, left
        if left == right and top == bottom and left == top:
            same = left
        else:
            x, same = F.pad(x, padding), 0
        return F.conv2d(x, weight.to(x.dtype), None, stride, same, 1, weight.shape[0])

    @staticmethod
    def backward(ctx, dy):  # noqa: ANN001, ANN205
        x, weight = ctx.saved_tensors
        packed = weight.flatten(1).t().contiguous()
        dx, dpacked = _native[0].depthwise_backward(
            _channels_last(dy), x, packed, ctx.stride, ctx.top, ctx.left
        )
        return dx, dpacked.t().reshape(weight.shape), None, None


def depthwise(
    x: torch.Tensor, weight: torch.Tensor, stride: int, padding: list[int]
) -> torch.Tensor:
    """Depthwise convolution; padding: left, right, top, bottom."""
    if not _is_native(x):
        return F.conv2d(F.pad(x, padding), weight, None, stride, 0, 1, weight.shape[0])
    if torch.is_autocast_enabled("cpu"):
        x = x.to(torch.get_autocast_dtype("cpu"))
    return _Depthwise.apply(_channels_last(x), weight, stride, padding)
