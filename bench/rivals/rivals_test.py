#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of bench/rivals: python3 bench/rivals/rivals_test.py.

Needs no rival; what needs numpy is skipped without it.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cache  # noqa: E402
import isa  # noqa: E402
import process  # noqa: E402
import table  # noqa: E402
from card import Card  # noqa: E402

HAS_NUMPY = importlib.util.find_spec("numpy") is not None
if HAS_NUMPY:
    import numpy as np

    import decode
    import detections
    import tiles


def a_card() -> Card:
    return Card.from_dict(
        {
            "model": "m.pb",
            "sha256": "0",
            "input": {
                "width_px": 128,
                "height_px": 128,
                "mpp": 0.5,
                "pad_rgb": [235, 235, 235],
                "mean_rgb": [100, 100, 100],
                "stddev_rgb": [50, 50, 50],
            },
            "anchors": {
                "min_level": 3,
                "max_level": 7,
                "num_scales": 3,
                "aspect_ratios": [1.0, 2.0, 0.5],
                "anchor_scale": 4.0,
                "ratio_convention": "sqrt",
            },
            "classes": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
            "groups": {"all": ["a", "b"]},
        },
        pathlib.Path("."),
    )


class CardTest(unittest.TestCase):
    def test_refuses_what_the_decoder_does_not_know(self) -> None:
        for key, value in (("max_level", 8), ("ratio_convention", "rounded")):
            anchors = {"min_level": 3, "max_level": 7, "ratio_convention": "sqrt"}
            anchors[key] = value
            with self.assertRaises(ValueError):
                Card.from_dict({"input": {}, "anchors": anchors}, pathlib.Path("."))


class CacheTest(unittest.TestCase):
    def test_makes_once_for_each_set_of_inputs(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            store, made = cache.Cache(pathlib.Path(folder)), []
            for inputs in ({"a": 1}, {"a": 2}, {"a": 1}):
                store.get("x", inputs, made.append)
            self.assertEqual(len(made), 2)

    def test_leaves_nothing_of_a_failure(self) -> None:
        def fail(draft: pathlib.Path) -> None:
            (draft / "half").write_text("x")
            raise OSError("disk full")

        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(OSError):
                cache.Cache(pathlib.Path(folder)).get("x", {}, fail)
            self.assertEqual(os.listdir(folder), [])


ECHO = """
import sys
for line in sys.stdin:
    print({answer}, flush=True)
"""


class ProcessTest(unittest.TestCase):
    def start(self, answer: str) -> process.Contestant:
        command = [sys.executable, "-c", ECHO.replace("{answer}", answer)]
        core = min(os.sched_getaffinity(0))
        return process.Contestant("echo", command, {core})

    def test_speaks_the_protocol(self) -> None:
        with self.start("int(line.removeprefix('run ')) / 8") as contestant:
            self.assertEqual(contestant.run(2).wall_seconds, 0.25)
            self.assertEqual(contestant.run(4).wall_seconds, 0.5)

    def test_counts_processor_time_per_tile(self) -> None:
        spin = "sum(range(3000000)) * 0 + 1"
        with self.start(spin) as contestant:
            self.assertGreater(contestant.run(1).cpu_seconds, 0.005)

    def test_refuses_other_answers(self) -> None:
        for answer in ("'fast'", "0", "-1", "'nan'", "'inf'", "''"):
            with self.subTest(answer), self.start(answer) as contestant:
                with self.assertRaises(RuntimeError):
                    contestant.run(1)

    def test_names_the_one_that_ended(self) -> None:
        with self.start("sys.exit(1)") as contestant:
            with self.assertRaisesRegex(RuntimeError, "echo: ended"):
                contestant.run(1)


class TableTest(unittest.TestCase):
    def test_compares_like_with_like(self) -> None:
        rows = [
            table.Row("ours", 1, "int8", True, [10, 20, 30], [10, 10, 10]),
            table.Row("r8", 1, "int8", False, [20, 60, 90], [25, 25, 25]),
            table.Row("r8", 2, "int8", False, [20, 60, 90], [25, 25, 25]),
            table.Row("r32", 1, "fp32", False, [20], [25]),
        ]
        lines = table.render(rows).splitlines()
        self.assertEqual(
            lines[2:],
            [
                "| ours | 1 | 20.0 [15.0, 25.0] | 10.0 | 1.00 | 1.00 |",
                "| r8 | 1 | 60.0 [40.0, 75.0] | 25.0 | 3.00 | 2.50 |",
                "| r8 | 2 | 60.0 [40.0, 75.0] | 25.0 | - | - |",
                "| r32 | 1 | 20.0 [20.0, 20.0] | 25.0 | - | - |",
            ],
        )

    def test_tells_the_processor(self) -> None:
        text = "model name : Some CPU\ncpu family : 6\nmodel : 1\nstepping : 2\n"
        text += "flags : fpu avx2 avx512f avx512_vnni\n\nmodel name : other\n"
        self.assertEqual(
            table.cpu_line(text),
            "Some CPU (family/model/stepping 6/1/2): avx2, avx512f, avx512_vnni,"
            " no avx512vbmi, no amx_int8, no avx512_bf16",
        )


class IsaTest(unittest.TestCase):
    def test_every_jump_of_the_filter_lands_on_a_return(self) -> None:
        code = isa.refuse_amx_program()
        steps = [code[i : i + 8] for i in range(0, len(code), 8)]
        for at, step in enumerate(steps):
            if step[0] == 0x15:
                self.assertEqual(at + 1 + step[3], len(steps) - 1)
        self.assertEqual(steps[-1], b"\x06\0\0\0\0\0\xff\x7f")


@unittest.skipUnless(HAS_NUMPY, "numpy is not installed")
class DecodeTest(unittest.TestCase):
    def test_anchors_follow_the_order_of_automl(self) -> None:
        anchors = decode.anchors(a_card())
        self.assertEqual(len(anchors), 9 * (16**2 + 8**2 + 4**2 + 2**2 + 1))
        np.testing.assert_allclose(anchors[0], [4, 4, 32, 32])
        root = 2**0.5
        np.testing.assert_allclose(anchors[1], [4, 4, 32 / root, 32 * root])
        np.testing.assert_allclose(anchors[3, 2:], [32 * 2 ** (1 / 3)] * 2)
        np.testing.assert_allclose(anchors[9, :2], [4, 12])

    def heads(self) -> dict[str, np.ndarray]:
        sides = {3: 16, 4: 8, 5: 4, 6: 2, 7: 1}
        heads = {}
        for level, side in sides.items():
            heads[f"class_{level}"] = np.full((1, side, side, 18), -20.0)
            heads[f"box_{level}"] = np.zeros((1, side, side, 36))
        return heads

    def test_decodes_one_anchor(self) -> None:
        heads = self.heads()
        heads["class_3"][0, 0, 1, 1] = 0.0  # first anchor, second class
        heads["box_3"][0, 0, 1, :4] = [0.5, 0.25, np.log(2), 0]
        decoded = decode.decode(heads, a_card(), 0.01)
        np.testing.assert_allclose(decoded.boxes, [[4, -12, 36, 52]])
        np.testing.assert_allclose(decoded.scores, [[0, 0.5]], atol=1e-8)

    def test_nms_keeps_what_overlaps_by_half(self) -> None:
        boxes = np.array([[0, 0, 2, 1], [0, 0, 1, 1], [0, 0, 3, 2]], float)
        self.assertEqual(decode.hard_nms(boxes, np.array([0.5, 0.9, 0.1])), [1, 0, 2])
        near = np.array([[0, 0, 10, 10], [0, 1, 10, 11]], float)
        self.assertEqual(decode.hard_nms(near, np.array([0.5, 0.9])), [1])

    def test_average_precision_of_a_small_case(self) -> None:
        truth = [np.array([[0, 0, 1, 1], [5, 5, 6, 6]], float)]
        wrong = np.array([[0, 0, 1, 1], [9, 9, 10, 10], [5, 5, 6, 6]], float)
        found = [(wrong, np.array([0.9, 0.8, 0.7]))]
        # 51 points at precision 1, 50 at 2 / 3.
        ap = decode.average_precision_50(found, truth)
        self.assertAlmostEqual(ap, (51 + 50 * 2 / 3) / 101)
        nothing = [(np.zeros((0, 4)), np.zeros(0))]
        self.assertEqual(decode.average_precision_50(nothing, truth), 0)

    def one_of_each_class(self) -> decode.Decoded:
        boxes = np.array([[0, 0, 10, 10], [0, 1, 10, 11], [50, 50, 60, 70]], float)
        scores = np.array([[0.9, 0.2], [0.6, 0.4], [0.005, 0.5]])
        return decode.Decoded(boxes, scores)

    def test_writes_results_in_pixels_of_the_file(self) -> None:
        field = tiles.Field(pathlib.Path("f"), 7, 40, 20, 0.25)  # halved
        decoded = self.one_of_each_class()
        results = detections.coco_results(decoded, field, a_card(), nms=True)
        self.assertEqual(
            [(r["image_id"], r["category_id"], r["score"]) for r in results],
            [(7, 1, 0.9), (7, 2, 0.5), (7, 2, 0.4)],
        )
        self.assertEqual(results[1]["bbox"], [100, 100, 20, 40])
        every = detections.coco_results(decoded, field, a_card(), nms=False)
        self.assertEqual(len(every), 5)

    def test_fidelity_to_itself_is_one(self) -> None:
        decoded = [self.one_of_each_class()]
        self.assertEqual(detections.fidelity(decoded, decoded, a_card()), {"all": 1})

    def test_largest_difference_is_per_head(self) -> None:
        a = {"x": np.array([[0.0, 1.0]]), "y": np.array([[0.0, 100.0]])}
        b = {"x": np.array([0.0, 2.0]), "y": np.array([0.0, 104.0])}
        told = detections.largest_difference(a, b)
        self.assertEqual(told, "max difference 4, 0.5 of the range")

    def test_size_is_rounded_half_up(self) -> None:
        field = tiles.Field(pathlib.Path("f"), 1, 5, 7, 0.25)
        self.assertEqual(tiles.resampled_size(field, 0.5), (3, 4))


if __name__ == "__main__":
    unittest.main()
