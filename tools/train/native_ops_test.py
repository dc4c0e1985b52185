# SPDX-License-Identifier: Apache-2.0
"""The fused operators against plain PyTorch: values and gradients."""

from __future__ import annotations

import copy
import unittest

import torch

import native_ops
from model import Block, BlockConfig, make_model


def _gradients(model: torch.nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Outputs, then the gradients of input and parameters, then buffers."""
    x = x.clone().requires_grad_()
    out = model(x)
    flat = [out] if isinstance(out, torch.Tensor) else [*out[0], *out[1]]
    torch.manual_seed(3)
    sum((o * torch.randn(o.shape).to(o.dtype)).sum() for o in flat).backward()
    grads = [p.grad for p in model.parameters()]
    buffers = [b for b in model.buffers() if b.is_floating_point()]
    return [*flat, x.grad, *grads, *buffers]


def _worst(a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
    """Largest difference relative to the largest value of its tensor.

    Below 1 differences count as they are: the gradient of a bias before a batch
    norm is rounding noise.
    """
    worst = 0.0
    for left, right in zip(a, b, strict=True):
        scale = max(right.abs().max().item(), 1.0)
        worst = max(worst, (left.double() - right).abs().max().item() / scale)
    return worst


class NativeOpsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        torch.manual_seed(0)
        native_ops.enable()
        cls.native = native_ops._native[:]

    def setUp(self) -> None:
        native_ops._native[:] = self.native

    def _both(
        self, model: torch.nn.Module, x: torch.Tensor
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """By the fused operators in float, by PyTorch in double."""
        twin = copy.deepcopy(model).double()
        fused = _gradients(model, x)
        native_ops._native.clear()
        return fused, _gradients(twin, x.double())

    def test_blocks_of_every_kind(self) -> None:
        for kernel in (3, 5):
            for stride in (1, 2):
                for size in (16, 13):
                    with self.subTest(kernel=kernel, stride=stride, size=size):
                        native_ops._native[:] = self.native
                        block = Block(BlockConfig(kernel, stride, 6, 8, 8))
                        x = torch.randn(2, 8, size, size)
                        self.assertLess(_worst(*self._both(block, x)), 1e-4)

    def test_whole_network_with_batch_and_with_frozen_statistics(self) -> None:
        for training in (True, False):
            with self.subTest(training=training):
                native_ops._native[:] = self.native
                model = make_model("d0", 2).train(training)
                model = model.to(memory_format=torch.channels_last)
                x = torch.randn(2, 3, 256, 256)
                self.assertLess(_worst(*self._both(model, x)), 2e-2)

    def test_bfloat16_is_near(self) -> None:
        block = Block(BlockConfig(5, 1, 6, 16, 16))
        x = torch.randn(2, 16, 16, 16)
        twin = copy.deepcopy(block).double()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            fused = _gradients(block, x)
        native_ops._native.clear()
        self.assertLess(_worst(fused, _gradients(twin, x.double())), 0.05)

    def test_sigmoid_far_out(self) -> None:
        maps = [torch.full((1, 8, 1, 4), v) for v in (0.0, 0.0)]
        x = torch.tensor([-200.0, -1.0, 1.0, 200.0])
        maps[0][:] = x
        maps = [m.contiguous(memory_format=torch.channels_last) for m in maps]
        got = native_ops.weighted_sum_swish(torch.ones(2), maps)
        expected = torch.nn.functional.silu(maps[0])
        self.assertLess((got - expected).abs().max().item(), 1e-5)


if __name__ == "__main__":
    unittest.main()
