# SPDX-License-Identifier: Apache-2.0
"""Curves are read as cyto8 eval writes them, and drawn where they belong."""

from __future__ import annotations

import pathlib
import tempfile
import unittest
from xml.etree import ElementTree

from card_curves import Curve, curves_svg, read_curve

HEAD = "score,true_positives,false_positives,recall,precision,envelope\n"
ROWS = """\
0.9,1,0,0.333333,1.000000,1.000000
0.5,1,1,0.333333,0.500000,0.666667
0.2,2,1,0.666667,0.666667,0.666667
0.1,2,2,0.666667,0.500000,0.500000
"""
SVG = "{http://www.w3.org/2000/svg}"


class CardCurvesTest(unittest.TestCase):
    def _read(self, rows: str) -> Curve:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "group-1-low.csv"
            path.write_text(HEAD + rows)
            return read_curve(path, "low", 0.5)

    def test_precision_at_each_recall(self) -> None:
        curve = self._read(ROWS)
        precisions = [curve.precisions[i] for i in (0, 33, 34, 66, 67, 100)]
        self.assertEqual(precisions, [1.0, 1.0, 0.666667, 0.666667, 0.0, 0.0])

    def test_average_of_the_curve_is_the_average_precision(self) -> None:
        curve = self._read(ROWS)
        mean = sum(curve.precisions) / len(curve.precisions)
        self.assertAlmostEqual(mean, (34 * 1.0 + 33 * 0.666667) / 101, places=6)

    def test_recall_rounded_below_a_step_still_counts(self) -> None:
        curve = self._read("0.9,1,0,0.670000,1.000000,1.000000\n")
        self.assertEqual(curve.precisions[67:69], [1.0, 0.0])

    def test_working_point(self) -> None:
        self.assertEqual(self._read(ROWS).working, (0.666667, 0.666667))
        self.assertIsNone(self._read("0.1,1,0,0.5,1.0,1.0\n").working)
        self.assertEqual(self._read("").precisions, [0.0] * 101)

    def test_without_truth_there_is_no_curve(self) -> None:
        with self.assertRaisesRegex(ValueError, "group-1-low.csv: recall: empty"):
            self._read("0.9,0,1,,0.000000,0.000000\n")

    def test_picture_has_lines_dots_and_names(self) -> None:
        one = Curve("low & high", 0.25, [1.0] * 51 + [0.0] * 50, (0.5, 1.0))
        other = Curve("cell", 0.5, [0.5] * 101, None)
        svg = curves_svg("Title", [one, other])
        root = ElementTree.fromstring(svg)
        lines = root.findall(f"{SVG}polyline")
        points = [
            tuple(map(float, p.split(","))) for p in lines[1].get("points").split()
        ]
        self.assertEqual((points[0], points[-1]), ((52.0, 162.0), (502.0, 162.0)))
        (dot,) = root.findall(f"{SVG}circle")
        self.assertEqual((dot.get("cx"), dot.get("cy")), ("277.0", "16.0"))
        texts = [text.text for text in root.findall(f"{SVG}text")]
        self.assertIn("low & high: AP50 0.250", texts)
        self.assertIn("prefers-color-scheme: dark", svg)
        self.assertLess(len(svg), 20_000)


if __name__ == "__main__":
    unittest.main()
