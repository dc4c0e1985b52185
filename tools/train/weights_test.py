# SPDX-License-Identifier: Apache-2.0
"""Weight files: round trip, and the first weights' names."""

from __future__ import annotations

import pathlib
import re
import tempfile
import unittest

import numpy as np
import torch

from model import make_model
from weights import apply_weights, load_weights, save_weights

# Our names -> the first ones, for the parts where they differ in kind.
_FIRST_NAMES = (
    (r"^backbone\.stem\.", "back.sc.c."),
    (r"^backbone\.stem_norm\.", "back.sb."),
    (r"^backbone\.blocks\.", "back.b."),
    (r"\.expand\.", ".ec.c."),
    (r"\.expand_norm\.", ".eb."),
    (r"^(back.*)\.depthwise\.", r"\1.dc.c."),
    (r"\.depthwise_norm\.", ".db."),
    (r"\.squeeze\.", ".sr."),
    (r"\.excite\.", ".se."),
    (r"\.project\.", ".pc.c."),
    (r"\.project_norm\.", ".pb."),
    (r"^p6\.conv\.", "p6.0."),
    (r"^p6\.norm\.", "p6.1."),
    (r"^(cells\.\d+)\.weights\.", r"\1.w."),
    (r"^(cells\.\d+)\.norms\.", r"\1.n."),
    (r"\.resample\.(\d_\d)\.conv\.", r".r.\1.0."),
    (r"\.resample\.(\d_\d)\.norm\.", r".r.\1.1."),
    (r"^class_net\.", "cls."),
    (r"^box_net\.", "box."),
    (r"^(cls|box)\.norms\.", r"\1.n."),
    (r"\.convs\.", ".c."),
    (r"\.predict\.", ".o."),
    (r"\.depthwise\.", ".d.c."),
    (r"\.pointwise\.", ".p."),
)


def _first_name(key: str) -> str:
    for pattern, replacement in _FIRST_NAMES:
        key = re.sub(pattern, replacement, key)
    return key


class WeightsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "w.npz"
        torch.manual_seed(0)
        self.model = make_model("d0", 2)

    def _state(self) -> dict[str, torch.Tensor]:
        return {
            k: v
            for k, v in self.model.state_dict().items()
            if not k.endswith("num_batches_tracked")
        }

    def test_float32_comes_back_equal(self) -> None:
        save_weights(self.path, self.model, "float32")
        other = make_model("d0", 2)
        apply_weights(other, load_weights(self.path))
        for key, value in self._state().items():
            self.assertTrue(torch.equal(value, other.state_dict()[key]), key)

    def test_first_names_are_understood_and_boxes_turned(self) -> None:
        state = self._state()
        np.savez(self.path, **{_first_name(k): v.numpy() for k, v in state.items()})
        loaded = load_weights(self.path)
        self.assertEqual(set(loaded), set(state))
        for key, value in state.items():
            if key.startswith("box_net.predict.pointwise"):
                value = value.reshape(9, 4, *value.shape[1:])[:, [1, 0, 3, 2]]
                value = value.reshape(loaded[key].shape)
            self.assertTrue(torch.equal(value, loaded[key]), key)

    def test_another_size_is_refused(self) -> None:
        save_weights(self.path, self.model, "float16")
        with self.assertRaises(RuntimeError):
            apply_weights(make_model("d1", 2), load_weights(self.path))


if __name__ == "__main__":
    unittest.main()
