# SPDX-License-Identifier: Apache-2.0
"""Folds that are trained, stopped, shared and pooled; intervals by run."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import pathlib
import tempfile
import unittest
from dataclasses import replace
from unittest import mock

import numpy as np

import cross_validate
import train
from cross_validate import (
    claimed,
    fold_options,
    interval_of,
    load_boxes,
    make_folds,
    outcomes_of,
    pooled_figures,
    resampled_weights,
    run_fold,
    save_boxes,
    table,
    weighted_precision,
)
from evaluate import GROUPS, RawBoxes, average_precisions
from fields import SPLITS, Field, load_splits
from train_test import _make_fields

CELL = GROUPS["cell"]


def _field(run: int, classes: list[int], number: int = 0) -> Field:
    """A row of cells of 10 px, 20 px apart."""
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(len(classes))]
    return Field(
        f"{run}-{number}",
        "train",
        run,
        np.zeros((100, 200, 3), np.uint8),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(classes, np.int64),
        (200, 100),
    )


def _found(rng: np.random.Generator, field: Field, hits: int) -> RawBoxes:
    """Boxes on the first `hits` cells of the field and on as many empty places."""
    truth = field.boxes[:hits][:, [1, 0, 3, 2]]
    boxes = np.concatenate([truth, truth + [40, 0, 40, 0]])
    return RawBoxes(boxes, rng.uniform(0.1, 0.9, (len(boxes), 6)))


def _fields(rng: np.random.Generator) -> tuple[list[Field], list[RawBoxes]]:
    """Two fields in each of five runs; HSIL in the first run only."""
    fields = [
        _field(run, [0, 0, 1, 4 if run == 0 else 2], number)
        for run in range(5)
        for number in range(2)
    ]
    return fields, [_found(rng, field, rng.integers(5)) for field in fields]


class FiguresTest(unittest.TestCase):
    def setUp(self) -> None:
        self.fields, self.found = _fields(np.random.default_rng(3))

    def test_pooled_figures_are_those_of_evaluate(self) -> None:
        figures = pooled_figures(self.fields, self.found, [{0, 1}, {2, 3, 4}])
        expected = average_precisions(self.fields, self.found)
        self.assertEqual(list(figures), list(expected))
        for name, row in figures.items():
            if row["boxes"]:
                self.assertAlmostEqual(row["ap50"], expected[name], 12)
            else:
                self.assertEqual((expected[name], str(row["ap50"])), (-1, "nan"))
        boxes = {name: row["boxes"] for name, row in figures.items()}
        self.assertEqual((boxes["cell"], boxes["HSIL"], boxes["SCC"]), (40, 2, 0))

    def test_folds_are_measured_alone(self) -> None:
        folds = [{3, 0}, {1, 2, 4}]
        row = pooled_figures(self.fields, self.found, folds)["cell"]
        for fold, figure, boxes in zip(
            folds, row["fold_ap50"], row["fold_boxes"], strict=True
        ):
            own = [i for i, field in enumerate(self.fields) if field.run in fold]
            part = [self.fields[i] for i in own], [self.found[i] for i in own]
            self.assertAlmostEqual(figure, average_precisions(*part)["cell"], 12)
            self.assertEqual(boxes, 8 * len(fold))
        a, b = row["fold_ap50"]
        self.assertAlmostEqual(row["fold_mean"], (a + b) / 2)
        self.assertAlmostEqual(row["fold_deviation"], abs(a - b) / 2**0.5)

    def test_a_weight_stands_for_copies_of_the_runs_fields(self) -> None:
        weights = np.array([2, 0, 3, 1, 0])
        rows = [i for i, f in enumerate(self.fields) for _ in range(weights[f.run])]
        copies = [self.fields[i] for i in rows], [self.found[i] for i in rows]
        for name in ("cell", "abnormal", "HSIL"):
            outcomes = outcomes_of(self.fields, self.found, GROUPS[name])
            self.assertAlmostEqual(
                weighted_precision(outcomes, weights),
                average_precisions(*copies)[name],
                12,
            )

    def test_resamples_are_of_whole_runs_and_always_the_same(self) -> None:
        weights = resampled_weights(5)
        self.assertEqual(weights.shape, (1000, 5))
        self.assertEqual(set(weights.sum(1)), {5})
        self.assertAlmostEqual((weights == 0).mean(), 0.8**5, delta=0.02)
        np.testing.assert_array_equal(weights, resampled_weights(5))

    def test_interval_is_of_the_resamples_that_hold_the_class(self) -> None:
        weights = resampled_weights(5)
        outcomes = outcomes_of(self.fields, self.found, GROUPS["HSIL"])
        interval = interval_of(outcomes, weights)
        self.assertEqual(interval["resamples"], int((weights[:, 0] > 0).sum()))
        self.assertLess(interval["resamples"], 1000)

    def test_interval_shows_how_unlike_the_runs_are(self) -> None:
        fields = [_field(run, [0]) for run in range(8)]
        hit = RawBoxes(fields[0].boxes[:, [1, 0, 3, 2]], np.full((1, 6), 0.5))
        miss = RawBoxes(np.zeros((0, 4)), np.zeros((0, 6)))
        folds = [{0}, set(range(1, 8))]
        same = pooled_figures(fields, [hit] * 8, folds)["cell"]
        self.assertEqual((same["low"], same["ap50"], same["high"]), (1, 1, 1))
        row = pooled_figures(fields, [hit, miss] * 4, folds)["cell"]
        self.assertLess(row["low"], 0.3)
        self.assertGreater(row["high"], 0.7)

    def test_table_has_a_row_for_each_and_dashes_for_what_is_not(self) -> None:
        lines = table(pooled_figures(self.fields, self.found, [{0}, {1, 2, 3, 4}]))
        rows = [line.strip("| ").split(" | ") for line in lines.splitlines()]
        self.assertEqual([row[0] for row in rows[2:]], list(GROUPS))
        self.assertEqual({len(row) for row in rows[2:]}, {7})
        self.assertEqual(rows[-1][1:], ["0", "-", "[-, -]", "-", "-", "-, -"])


class CrossValidateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.holder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.holder.name)
        cls.cache = _make_fields(cls.root)
        path = cls.cache / "fields.json"
        records = json.loads(path.read_text())
        records[1]["split"] = "val"
        path.write_text(json.dumps(records))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.holder.cleanup()

    def setUp(self) -> None:
        changes = {"FOLDS": 2, "TILE_PX": 256, "RESAMPLES": 20}
        self.enterContext(mock.patch.multiple(cross_validate, **changes))
        # Compiled operators are for real runs.
        self.enterContext(mock.patch.object(train.native_ops, "enable"))

    def _call(self, name: str, *more: str) -> str:
        """What the program prints."""
        command = ["cross_validate.py", "--run", str(self.root / name)]
        command += ["--cache", str(self.cache), "--steps", "2", "--batch", "2"]
        command += ["--crop-px", "128", "--float32", *more]
        printed = io.StringIO()
        with mock.patch("sys.argv", command), contextlib.redirect_stdout(printed):
            cross_validate.main()
        return printed.getvalue()

    def _options(self) -> train.TrainOptions:
        return train.TrainOptions(
            size="d0",
            cache=str(self.cache),
            start=None,
            splits=SPLITS,
            hold_out=(),
            leave_out=(),
            steps=1,
            batch=1,
            crop_px=128,
            rate=1e-3,
            average_limit=0.99,
            seed=1,
            evaluate_every=1,
        )

    def test_however_often_it_was_stopped_the_figures_are_the_same(self) -> None:
        self.assertIn("not done yet: fold-1", self._call("shared", "--only", "0"))
        self.assertFalse((self.root / "shared/cross_validation.json").exists())
        self.assertIn("| cell | 12 |", self._call("shared", "--only", "1"))
        for _ in range(5):
            self.assertIn("not done yet", self._call("stopped", "--minutes", "0"))
        # The options of the first start count.
        printed = self._call("stopped", "--minutes", "0", "--steps", "90")
        self.assertIn("| SCC | 2 |", printed)
        texts = [
            (self.root / name / "cross_validation.json").read_text()
            for name in ("shared", "stopped")
        ]
        self.assertEqual(texts[0], texts[1])
        result = json.loads(texts[0])
        self.assertEqual((result["fields"], result["options"]["steps"]), (2, 2))
        self.assertEqual(sorted(result["folds"]), [[0], [1]])
        self.assertEqual(result["figures"]["cell"]["boxes"], 12)

    def test_no_fold_learns_from_or_looks_at_its_own_fields(self) -> None:
        fields = load_splits(self.cache, SPLITS)
        folds = make_folds(self.root / "folds", self._options(), fields)
        seen = []
        for fold in folds:
            learn, held_out = train.fields_of(fold.options)
            names = {field.name for field in fold.fields}
            self.assertEqual(held_out, [])
            self.assertEqual(names & {field.name for field in learn}, set())
            self.assertEqual(len(names) + len(learn), len(fields))
            seen += names
        self.assertEqual(sorted(seen), sorted(field.name for field in fields))

    def test_a_fold_that_another_process_has_is_left_to_it(self) -> None:
        fields = load_splits(self.cache, SPLITS)
        fold = make_folds(self.root / "claims", self._options(), fields)[0]
        printed = io.StringIO()
        with claimed(fold.folder) as mine, contextlib.redirect_stdout(printed):
            self.assertTrue(mine)
            run_fold(fold, argparse.Namespace())
        self.assertEqual(printed.getvalue(), "fold-0: another process is at it\n")
        with claimed(fold.folder) as mine:
            self.assertTrue(mine)

    def test_a_fold_begun_with_other_options_is_refused(self) -> None:
        folder, options = self.root / "begun", self._options()
        fold_options(folder, options, {1, 0})
        self.assertEqual(fold_options(folder, options, {0, 1}).leave_out, (0, 1))
        with self.assertRaisesRegex(ValueError, "options.json: steps = 1: must be 5"):
            fold_options(folder, replace(options, steps=5), {0, 1})
        with self.assertRaisesRegex(
            ValueError, r"leave_out = \(0, 1\): must be \(1,\)"
        ):
            fold_options(folder, options, {1})

    def test_boxes_are_kept_as_they_are(self) -> None:
        path = self.root / "boxes.npz"
        fields = [_field(run, [0]) for run in range(3)]
        rng = np.random.default_rng(0)
        sizes = (2, 0, 1)
        found = [
            RawBoxes(rng.random((n, 4), np.float32), rng.random((n, 6), np.float32))
            for n in sizes
        ]
        save_boxes(path, fields, found)
        for raw, same in zip(found, load_boxes(path, fields), strict=True):
            np.testing.assert_array_equal(raw.boxes, same.boxes)
            np.testing.assert_array_equal(raw.probabilities, same.probabilities)
        with self.assertRaisesRegex(ValueError, "boxes.npz: names: not those"):
            load_boxes(path, fields[::-1])


if __name__ == "__main__":
    unittest.main()
