# SPDX-License-Identifier: Apache-2.0
"""Changes of colour and sharpness stay within reason."""

from __future__ import annotations

import unittest

import numpy as np

from augment import degrade, recolour


class AugmentTest(unittest.TestCase):
    def test_darker_stays_darker(self) -> None:
        ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
        for seed in range(50):
            out = recolour(np.random.default_rng(seed), ramp).astype(int)
            self.assertGreater(out[0, 250].sum() - out[0, 20].sum(), 200, seed)
            self.assertTrue((np.diff(out.sum(2)[0]) >= -2).all(), seed)

    def test_colours_differ_from_draw_to_draw(self) -> None:
        grey = np.full((4, 4, 3), 128, np.uint8)
        seen = {
            recolour(np.random.default_rng(s), grey)[0, 0].tobytes() for s in range(20)
        }
        self.assertGreater(len(seen), 15)

    def test_degrading_keeps_the_mean(self) -> None:
        image = np.full((64, 64, 3), 128, np.uint8)
        for seed in range(20):
            out = degrade(np.random.default_rng(seed), image)
            self.assertEqual((out.dtype, out.shape), (np.uint8, image.shape))
            self.assertLess(abs(out.mean() - 128), 1)


if __name__ == "__main__":
    unittest.main()
