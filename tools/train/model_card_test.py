# SPDX-License-Identifier: Apache-2.0
"""Guards and the raw figures; with cyto8 the whole tool on one field.

CYTO8_PROGRAM=build/release/app/cyto8 adds the whole tool. Also tests
card_figures.py.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import tempfile
import unittest

from card_failures import Failure
from card_figures import check_hits, group_ids, speed_rows
from card_matching_test import boxes, field
from card_runs import Task, Timing
from card_tables import SpeedRow
from card_text_test import RUN, SOURCE, make_figures
from model_card import make_card, named_model, raw_figures

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIELDS = ROOT / "data/fields"
FIELD = "602e28f6537d6638bc4ccbe4cde5fab1.jpg"
MARKERS = "<!-- begin {0} -->\nfigures follow\n<!-- end {0} -->\n"
CLASS_IDS = {"NILM": 1, "LSIL": 2, "HSIL": 3}


class ModelCardTest(unittest.TestCase):
    def test_models_have_a_name_and_a_path(self) -> None:
        self.assertEqual(named_model("d2=a/b.cy8"), ("d2", pathlib.Path("a/b.cy8")))
        for text in ("d2", "=b.cy8", "d2=", "d/2=b.cy8", "speed=b.cy8"):
            with self.assertRaises(argparse.ArgumentTypeError, msg=text):
                named_model(text)

    def test_groups_and_classes_have_ids(self) -> None:
        all_names = {
            "cell": ["NILM", "LSIL", "HSIL"],
            "abnormal": ["LSIL", "HSIL"],
            "low": ["LSIL"],
            "high": ["HSIL"],
        }
        groups = group_ids({"model": {"groups": all_names}}, CLASS_IDS)
        self.assertEqual(groups["abnormal"], [2, 3])
        self.assertEqual(groups["LSIL"], [2])
        self.assertEqual(list(groups)[:4], ["cell", "abnormal", "low", "high"])

    def test_counts_must_be_those_of_cyto8(self) -> None:
        fields = [field(boxes((0, 2, 1.0)), boxes((0, 2, 0.5)))]
        row = {"name": "low", "true_positives": 1}
        check_hits({"groups": [row], "classes": []}, fields, {"low": [2]})
        row["true_positives"] = 2
        with self.assertRaisesRegex(
            RuntimeError, "low: 1 cells found, cyto8 eval has 2"
        ):
            check_hits({"groups": [row], "classes": []}, fields, {"low": [2]})

    def test_speed_is_compared_with_the_own_scale(self) -> None:
        figures, images = make_figures(), [{"tiles": 2}, {"tiles": 3}]
        for result in figures.results.values():
            result.run["images"] = images
        timings = {"d2-model": [Timing(1.0, 1.0)], "d2-file": [Timing(2.0, 1.0)]}
        truth = {"images": [{"um_per_px": 0.2472}]}
        own, file = speed_rows([figures], truth, timings)
        self.assertEqual((own.mpp, own.tiles, own.fields), (0.484, 5, 2))
        self.assertEqual(file.mpp, 0.2472)
        self.assertEqual(file.timings, timings["d2-file"])
        self.assertEqual(file.against, timings["d2-model"])

    def test_raw_figures_are_json(self) -> None:
        figures = make_figures()
        for result in figures.results.values():
            result.run["images"] = []
        failure = Failure("missed", 3, "a.jpg", (0.0, 1.0, 2.0, 3.0), 2, None, 0.0, 0.1)
        figures.failures["missed", "high"].append(failure)
        timings = [Timing(1.0, 0.5)]
        row = SpeedRow("d2", 0.484, 1, 1, timings, timings)
        raw = json.loads(raw_figures(SOURCE, [figures], [row]))
        model = raw["models"]["d2"]
        self.assertEqual(model["failures"][0]["group"], "high")
        self.assertEqual(model["failures"][0]["corners"], [0.0, 1.0, 2.0, 3.0])
        self.assertEqual(model["working"]["high"][2]["value"], 0.75)
        self.assertEqual(model["results"]["file"]["run"]["engine"], RUN["engine"])
        self.assertEqual(raw["speed"][0]["timings"], [{"wall_s": 1.0, "cpu_s": 0.5}])
        self.assertEqual(raw["source"]["command"], SOURCE.command)


@unittest.skipUnless("CYTO8_PROGRAM" in os.environ, "CYTO8_PROGRAM is not given")
class WholeToolTest(unittest.TestCase):
    def setUp(self) -> None:
        self.holder = tempfile.TemporaryDirectory()
        self.addCleanup(self.holder.cleanup)
        self.folder = pathlib.Path(self.holder.name)
        self.document = self.folder / "model-card.md"
        self.task = Task(
            program=pathlib.Path(os.environ["CYTO8_PROGRAM"]).resolve(),
            truth=self.folder / "truth.json",
            images=FIELDS,
            work=self.folder / "work",
            threads=1,
        )
        self._write_truth()

    def _write_truth(self) -> None:
        """One field; a label becomes HSIL, so that every group has truth."""
        truth = json.loads((FIELDS / "fields.json").read_text())
        truth["images"] = [i for i in truth["images"] if i["file_name"] == FIELD]
        image = truth["images"][0]["id"]
        truth["annotations"] = [
            box for box in truth["annotations"] if box["image_id"] == image
        ]
        next(b for b in truth["annotations"] if b["category_id"] == 3)[
            "category_id"
        ] = 5
        self.task.truth.write_text(json.dumps(truth))

    def _make(self) -> None:
        models = {"d2": ROOT / "data/models/d2-cells.yaml"}
        make_card(self.task, models, 1, self.document, "the command")

    def test_document_without_markers_is_refused_at_once(self) -> None:
        self.document.write_text(MARKERS.format("d2") + MARKERS.format("speed"))
        with self.assertRaisesRegex(ValueError, "model-card.md: .*conventions"):
            self._make()
        self.assertFalse(self.task.work.exists())

    def test_sections_pictures_and_figures(self) -> None:
        names = ("conventions", "speed", "d2", "cross-validation")
        self.document.write_text("".join(MARKERS.format(name) for name in names))
        (self.folder / "images").mkdir()
        self._make()
        text = self.document.read_text()
        self.assertEqual(text.count("figures follow"), 1)
        self.assertIn("25 labelled cells", text)
        self.assertIn("| d2 | 0.2472 | 4 |", text)
        for name in ("model-card-d2-curves.svg", "model-card-d2-failures.jpg"):
            self.assertIn(f"(images/{name})", text)
            self.assertTrue((self.folder / "images" / name).stat().st_size)
        raw = json.loads((self.task.work / "model-card.json").read_text())
        confusion = raw["models"]["d2"]["confusion"]
        self.assertEqual(sum(map(sum, confusion[:-1])), 25)


if __name__ == "__main__":
    unittest.main()
