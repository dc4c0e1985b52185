# SPDX-License-Identifier: Apache-2.0
"""Tables, cell by cell."""

from __future__ import annotations

import unittest

import numpy as np

from card_matching import Ratio
from card_runs import Timing
from card_tables import (
    SpeedRow,
    confusion_table,
    precision_of,
    precision_table,
    ratio_text,
    speed_table,
    working_table,
)


def _cells(table: str) -> list[list[str]]:
    lines = table.split("\n")
    return [line.strip("|").split("|") for line in (lines[0], *lines[2:])]


def _row(name: str, value: float, interval: tuple[float, float] | None) -> dict:
    row = {"name": name, "truth": 7, "AP_by_level": {"AP50": value}}
    if interval:
        ends = {"low": interval[0], "high": interval[1], "resamples": 9}
        row["first_level_AP_interval"] = ends
    return row


class CardTablesTest(unittest.TestCase):
    def test_ratio_text(self) -> None:
        self.assertEqual(ratio_text(Ratio(0.51234, 0.4, 0.6)), "0.512 (0.400-0.600)")
        self.assertEqual(ratio_text(Ratio(0.5, -1, -1)), "0.500")
        self.assertEqual(ratio_text(Ratio(-1, -1, -1)), "-")

    def test_precision_of_a_row(self) -> None:
        row = _row("low", 0.5, (0.25, 0.75))
        self.assertEqual(precision_of(row), Ratio(0.5, 0.25, 0.75))
        self.assertEqual(precision_of(_row("low", 0.5, None)).low, -1.0)
        self.assertEqual(precision_of(_row("SCC", -1.0, (-1, -1))).value, -1.0)

    def test_precision_table_finds_rows_by_name(self) -> None:
        first = {
            "groups": [_row("low", 0.5, (0.4, 0.6))],
            "classes": [_row("HSIL", 0.2, None)],
        }
        second = {
            "groups": [_row("low", 0.1, None)],
            "classes": [_row("HSIL", -1, None)],
        }
        table = precision_table(["HSIL", "low"], {"here": first, "there": second})
        self.assertEqual(
            table,
            "|  | labelled | here | there |\n"
            "|---|---:|---:|---:|\n"
            "| HSIL | 7 | 0.200 | - |\n"
            "| low | 7 | 0.500 (0.400-0.600) | 0.100 |",
        )

    def test_working_table(self) -> None:
        half, none = Ratio(0.5, 0.5, 0.5), Ratio(-1, -1, -1)
        table = working_table({"low": (4, 9, half, none)})
        expected = [" low ", " 4 ", " 9 ", " 0.500 (0.500-0.500) ", " - "]
        self.assertEqual(_cells(table)[1], expected)

    def test_confusion_table(self) -> None:
        table = confusion_table(["A", "B"], np.array([[1, 2, 3], [4, 5, 6], [7, 8, 0]]))
        self.assertEqual(
            _cells(table),
            [
                [" label \\ found ", " A ", " B ", " *missed* "],
                [" A ", " 1 ", " 2 ", " 3 "],
                [" B ", " 4 ", " 5 ", " 6 "],
                [" *no label* ", " 7 ", " 8 ", "  "],
            ],
        )

    def test_speed_is_of_medians_and_the_ratio_of_rounds(self) -> None:
        own = [Timing(2.0, 1.0), Timing(4.0, 2.0), Timing(8.0, 4.0)]
        file = [Timing(8.0, 6.0), Timing(8.0, 6.0), Timing(24.0, 6.0)]
        table = speed_table(
            [
                SpeedRow("d2", 0.484, tiles=8, fields=8, timings=own, against=own),
                SpeedRow("d2", 0.2472, tiles=32, fields=8, timings=file, against=own),
            ]
        )
        self.assertEqual(
            [[cell.strip() for cell in row] for row in _cells(table)[1:]],
            [
                ["d2", "0.484", "8", "2.00", "0.500", "0.250", "1"],
                ["d2", "0.2472", "32", "4.00", "1.000", "0.188", "3.00 (2.00-4.00)"],
            ],
        )


if __name__ == "__main__":
    unittest.main()
