# SPDX-License-Identifier: Apache-2.0
"""Commands, order and joins; the program is a stand-in that notes its arguments."""

from __future__ import annotations

import json
import pathlib
import tempfile
import unittest

from card_runs import (
    Task,
    Variant,
    field_boxes,
    file_mpp,
    image_paths,
    measure_speed,
    read_truth,
    run,
    score_options,
)

TRUTH = {
    "images": [
        {"id": 7, "file_name": "a.jpg", "um_per_px": 0.2465},
        {"id": 8, "file_name": "b.jpg", "um_per_px": 0.2472},
        {"id": 9, "file_name": "c.jpg", "um_per_px": 0.2472},
    ],
    "categories": [{"id": 1, "name": "HSIL"}, {"id": 2, "name": "NILM"}],
    "annotations": [
        {"id": 1, "image_id": 8, "category_id": 1, "bbox": [1, 2, 10, 20]},
        {"id": 2, "image_id": 7, "category_id": 2, "bbox": [5, 5, 5, 5]},
    ],
}
PROGRAM = '#!/bin/sh\necho "$*" >> "$(dirname "$0")/calls"\n'


class CardRunsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.holder = tempfile.TemporaryDirectory()
        self.addCleanup(self.holder.cleanup)
        self.folder = pathlib.Path(self.holder.name)
        self.task = Task(
            program=self.folder / "cyto8",
            truth=self.folder / "truth.json",
            images=self.folder,
            work=self.folder / "work",
            threads=2,
        )
        self.task.program.write_text(PROGRAM)
        self.task.program.chmod(0o755)
        self.task.truth.write_text(json.dumps(TRUTH))
        for image in TRUTH["images"]:
            (self.folder / image["file_name"]).touch()

    def test_only_listed_files_are_scored(self) -> None:
        (self.folder / "other.jpg").touch()
        names = [pathlib.Path(p).name for p in image_paths(self.task, TRUTH)]
        self.assertEqual(names, ["a.jpg", "b.jpg", "c.jpg"])
        (self.folder / "b.jpg").unlink()
        with self.assertRaisesRegex(FileNotFoundError, "b.jpg: is in .*truth.json"):
            image_paths(self.task, TRUTH)

    def test_scales_differ_in_um_per_px_alone(self) -> None:
        own, file = (
            score_options(self.task, TRUTH, Variant("d2", pathlib.Path("d2.yaml"), s))
            for s in ("model", "file")
        )
        self.assertEqual(file_mpp(TRUTH), 0.2472)
        start = file.index("--mpp")
        given = file[start : start + 4]
        self.assertEqual(given, ["--mpp", "0.2472", "--target-mpp", "0.2472"])
        self.assertEqual(file[:start] + file[start + 4 :], own)
        self.assertIn("--mpp-from", own)
        self.assertIn("--force", own)

    def test_truth_needs_um_per_px(self) -> None:
        self.assertEqual(read_truth(self.task.truth), TRUTH)
        images = [*TRUTH["images"], {"id": 1, "file_name": "d.jpg"}]
        self.task.truth.write_text(json.dumps({**TRUTH, "images": images}))
        with self.assertRaisesRegex(ValueError, "truth.json: image d.jpg: no um_per"):
            read_truth(self.task.truth)

    def test_failure_is_told(self) -> None:
        self.task.program.write_text("#!/bin/sh\necho why >&2\nexit 3\n")
        with self.assertRaisesRegex(RuntimeError, "cyto8 score: exit code 3: why"):
            run([str(self.task.program), "score"])

    def test_time_of_the_processor_and_of_the_wall(self) -> None:
        waited = run(["sleep", "0.2"])
        self.assertGreaterEqual(waited.wall_s, 0.2)
        self.assertLess(waited.cpu_s, 0.1)
        burnt = run(
            ["/bin/sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"]
        )
        self.assertGreater(burnt.cpu_s, 0.01)

    def test_variants_are_timed_in_turn_and_the_first_round_dropped(self) -> None:
        model = pathlib.Path("d2.yaml")
        variants = [Variant("d2", model, scale) for scale in ("model", "file")]
        timings = measure_speed(self.task, TRUTH, variants, rounds=3)
        self.assertEqual(
            {k: len(v) for k, v in timings.items()},
            {
                "d2-model": 3,
                "d2-file": 3,
            },
        )
        calls = (self.folder / "calls").read_text().splitlines()
        order = ["file" if "--target-mpp" in call else "model" for call in calls]
        pair = ["model", "file"]
        self.assertEqual(order, [*pair[::-1], *pair, *pair[::-1], *pair])
        self.assertTrue(all("--min-score" not in call for call in calls))

    def test_boxes_are_joined_by_image_and_class_name(self) -> None:
        found = [
            {"image_id": 8, "category_id": 5, "bbox": [0, 1, 2, 3], "score": 0.5},
            {"image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.4},
        ]
        a, b, c = field_boxes(TRUTH, found, {"NILM": 1, "HSIL": 5})
        self.assertEqual((len(a.found), len(b.found), len(c.found)), (0, 1, 1))
        self.assertEqual(a.truth.classes.tolist(), [1])
        self.assertEqual(b.truth.classes.tolist(), [5])
        self.assertEqual(b.truth.corners.tolist(), [[1, 2, 11, 22]])
        self.assertEqual(b.found.corners.tolist(), [[0, 1, 2, 4]])
        self.assertEqual(c.truth.corners.shape, (0, 4))
        with self.assertRaisesRegex(ValueError, r"classes \['HSIL'\]: not the model's"):
            field_boxes(TRUTH, found, {"NILM": 1})


if __name__ == "__main__":
    unittest.main()
