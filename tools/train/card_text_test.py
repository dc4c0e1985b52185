# SPDX-License-Identifier: Apache-2.0
"""The sections say what was measured, from figures made by hand."""

from __future__ import annotations

import unittest

from card_figures import GROUPS, Figures
from card_matching import Ratio
from card_runs import Result, Timing
from card_tables import SpeedRow
from card_text import (
    Machine,
    Source,
    conventions_section,
    model_section,
    speed_section,
)

SOURCE = Source(
    truth="val.json",
    sha256="ab" * 32,
    fields=3,
    cells=40,
    file_mpp=0.2472,
    command="tools/train/model_card.py --truth val.json",
)
RUN = {
    "program": {"name": "cyto8", "version": "9.8.7"},
    "model": {"file": "/somewhere/d2.pb", "sha256": "cd" * 32},
    "settings": {"mpp": 0.484},
    "engine": "onednn",
    "threads": 1,
    "cpu": "A CPU",
}


def _report(level: str, precision: float) -> dict:
    rows = [
        {
            "name": name,
            "truth": 4,
            "true_positives": 3,
            "AP_by_level": {level: precision},
            "first_level_AP_interval": {"low": 0.1, "high": 0.9},
        }
        for name in (*GROUPS, "NILM", "HSIL")
    ]
    return {"groups": rows[:4], "classes": rows[4:]}


def _result(precision: float) -> Result:
    by_centre = _report("AP@20px", precision + 0.001)
    return Result(dict(RUN), _report("AP50", precision), by_centre, [])


def make_figures() -> Figures:
    names = (*GROUPS, "NILM", "HSIL")
    return Figures(
        name="d2",
        results={"model": _result(0.5), "file": _result(0.25)},
        working={
            name: (4, 6, Ratio(0.75, 0.5, 1.0), Ratio(-1, -1, -1)) for name in names
        },
        confusion=[[11, 12, 13], [14, 15, 16], [17, 18, 0]],
        failures={("missed", "high"): []},
        fields=[],
        class_ids={"NILM": 1, "HSIL": 2},
        box_sides_um={"model": 20.04, "file": 13.56},
    )


class CardTextTest(unittest.TestCase):
    def test_conventions_name_truth_command_and_scale(self) -> None:
        text = conventions_section(SOURCE)
        self.assertIn("3 fields with 40 labelled cells, `val.json`", text)
        self.assertIn("\n\n    tools/train/model_card.py --truth val.json\n\n", text)
        self.assertIn("--mpp 0.2472 --target-mpp 0.2472", text)

    def test_model_has_both_scales_and_both_ways_to_match(self) -> None:
        text = model_section(SOURCE, make_figures(), ("c.svg", "f.jpg"))
        row = next(
            line for line in text.split("\n") if line.startswith("| HSIL | 4 | 0")
        )
        figures = [cell.strip()[:5] for cell in row.split("|")[3:7]]
        self.assertEqual(figures, ["0.500", "0.250", "0.501", "0.251"])
        self.assertIn(
            "| AP50, 0.484 um/px | AP50, 0.247 um/px | by centre, 0.484", text
        )

    def test_model_has_counts_confusion_and_pictures(self) -> None:
        text = model_section(SOURCE, make_figures(), ("c.svg", "f.jpg"))
        self.assertIn("| high | 4 | 6 | 0.750 (0.500-1.000) | - |", text)
        self.assertIn("| HSIL | 14 | 15 | 16 |", text)
        self.assertIn("20.0 um at\n0.484 um/px and of 13.6 um at 0.247.", text)
        for part in ("(c.svg)", "(f.jpg)", "`d2.pb`", "cd" * 32, "9.8.7", "CC BY 4.0"):
            self.assertIn(part, text)

    def test_speed_names_machine_and_rounds(self) -> None:
        timings = [Timing(2.0, 1.0)] * 3
        row = SpeedRow("d2", 0.484, tiles=3, fields=3, timings=timings, against=timings)
        text = speed_section([row], RUN, Machine(cores=2, load=1.25))
        self.assertIn("A CPU, 2 CPU(s) usable, load average 1.2", text)
        self.assertIn("over 3 fields; medians of 3 round(s)", text)
        self.assertIn("| d2 | 0.484 | 3 | 1.50 | 0.667 | 0.333 | 1 |", text)

    def test_lines_of_prose_fit(self) -> None:
        texts = (
            conventions_section(SOURCE),
            model_section(SOURCE, make_figures(), ("c.svg", "f.jpg")),
        )
        for line in "\n".join(texts).split("\n"):
            if not line.startswith(("|", "    ", "Truth", "`")):
                self.assertLessEqual(len(line), 100, line)


if __name__ == "__main__":
    unittest.main()
