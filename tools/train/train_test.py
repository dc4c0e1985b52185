# SPDX-License-Identifier: Apache-2.0
"""The loop: batches, schedule, average, checkpoints, logs and resuming.

Also tests batches.py, checkpoint.py, atomic_file.py and curves.py.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import pathlib
import tempfile
import unittest
from dataclasses import replace

import cv2
import numpy as np
import torch

import train
from anchors import IGNORED, make_anchors
from atomic_file import write_atomically
from batches import BatchSeries, batches_from, usable_anchors
from checkpoint import update_average
from crops import CellIndex, CropOptions
from curves import append_log, drop_after, read_log
from fields import load_cache, make_cache
from fields_test import _make_source


def _make_fields(folder: pathlib.Path) -> pathlib.Path:
    """A cache of two fields in two runs with a cell of most classes."""
    source = folder / "source"
    source.mkdir()
    _make_source(source)
    rng = np.random.default_rng(0)
    truth = {"images": [], "annotations": []}
    for i in (1, 2):
        noise = rng.integers(100, 255, (250, 400, 3)).astype(np.uint8)
        cv2.imwrite(str(source / f"images/{i}.png"), noise)
        entry = {"id": i, "file_name": f"{i}.png", "width": 400, "height": 250}
        entry |= {"um_per_px": 0.2472, "image_id_cric": 5 * i}
        truth["images"].append(entry)
        for kind in range(1, 7):
            box = [45 * kind, 80, 83, 83]
            cell = {"image_id": i, "category_id": kind, "bbox": box}
            truth["annotations"].append(cell)
    (source / "train.json").write_text(json.dumps(truth))
    make_cache(source, folder / "cache", "png")
    return folder / "cache"


class TrainTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name)
        cls.cache = _make_fields(cls.root)
        torch.set_num_threads(1)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def _options(self, steps: int) -> train.TrainOptions:
        return train.TrainOptions(
            size="d0",
            cache=str(self.cache),
            start=None,
            splits=("train",),
            hold_out=(1,),
            leave_out=(),
            steps=steps,
            batch=2,
            crop_px=128,
            rate=1e-3,
            average_limit=0.99,
            seed=1,
            evaluate_every=3,
        )

    def _run(self, name: str, steps: int, minutes: float) -> train.TrainState:
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        options = self._options(steps)
        state = train.make_state(options, torch.device("cpu"))
        if (folder / "last.pt").exists():
            train.load_state(folder / "last.pt", state)
        limits = argparse.Namespace(
            minutes=minutes, save_minutes=100.0, bfloat16=False, workers=0
        )
        with contextlib.redirect_stdout(io.StringIO()):
            train.run_training(folder, options, state, limits)
        return state

    def test_stopping_and_going_on_gives_the_same_weights(self) -> None:
        whole = self._run("whole", 3, 100.0)
        for _ in range(3):
            parts = self._run("parts", 3, 0.0)
        self.assertEqual(parts.step, 3)
        for key, value in whole.average.state_dict().items():
            self.assertTrue(torch.equal(value, parts.average.state_dict()[key]), key)
        files = {path.name for path in (self.root / "whole").iterdir()}
        expected = {"last.pt", "final.npz", "best.npz", "average.npz", "curves.png"}
        self.assertEqual(files, expected | {"log.jsonl"})
        [record] = read_log(self.root / "whole")
        self.assertEqual((record["kind"], record["step"]), ("held_out", 3))

    def test_frozen_norms_keep_their_statistics(self) -> None:
        options = replace(self._options(4), frozen_share=0.5)
        state = train.make_state(options, torch.device("cpu"))
        series = BatchSeries(
            CellIndex(load_cache(self.cache, "train")),
            CropOptions(size_px=options.crop_px),
            *(options.seed, options.batch, options.steps),
        )
        seen = []
        for batch in batches_from(series, 0, 0):
            train.train_step(options, state, batch, False)
            seen.append([b.clone() for b in state.model.buffers()])
        for changing, first, second in zip(*seen[:3], strict=True):
            self.assertFalse(torch.equal(changing, first))
            self.assertTrue(torch.equal(first, second))
        for third, last in zip(seen[2], seen[3], strict=True):
            self.assertTrue(torch.equal(third, last))
        for mean, value in zip(
            state.average.buffers(), state.model.buffers(), strict=True
        ):
            self.assertTrue(torch.equal(mean, value))

    def test_runs_are_learnt_from_held_out_or_left_out(self) -> None:
        options = self._options(1)
        for held, left, expected in (
            ((1,), (), ([0], [1])),
            ((), (1,), ([0], [])),
            ((1,), (0,), ([], [1])),
            ((), (), ([0, 1], [])),
        ):
            chosen = replace(options, hold_out=held, leave_out=left)
            runs = [[field.run for field in part] for part in train.fields_of(chosen)]
            self.assertEqual(runs, list(expected))

    def test_options_are_those_of_the_first_start(self) -> None:
        folder, options = self.root / "options", self._options(7)
        self.assertEqual(train.first_options(folder, options), options)
        later = replace(options, steps=8, leave_out=(0,))
        self.assertEqual(train.first_options(folder, later), options)

    def test_splits_must_be_known_and_named_once(self) -> None:
        self.assertEqual(train.split_names("train,val"), ("train", "val"))
        for text in ("test", "train,train", "train,", ""):
            with self.assertRaisesRegex(
                argparse.ArgumentTypeError, "some of train,val"
            ):
                train.split_names(text)

    def test_batches_depend_on_neither_start_nor_workers(self) -> None:
        index = CellIndex(load_cache(self.cache, "train"))
        series = BatchSeries(index, CropOptions(size_px=128), 7, 2, 4)
        batches = list(batches_from(series, 0, 0))
        late = list(batches_from(series, 3, 1))
        self.assertEqual((len(batches), len(late)), (4, 1))
        self.assertTrue(torch.equal(batches[3].images, late[0].images))
        self.assertTrue(torch.equal(batches[3].classes, late[0].classes))
        self.assertTrue((batches[0].classes >= 0).any())

    def test_usable_is_looked_up_at_the_anchors_centre(self) -> None:
        labelled = np.random.default_rng(1).random((64, 64)) > 0.5
        usable = usable_anchors(labelled)
        anchors = make_anchors(256, 256)
        centres = ((anchors[:, :2] + anchors[:, 2:]) / 2 / 4).round().long()
        expected = torch.from_numpy(labelled)[centres[:, 0], centres[:, 1]]
        self.assertTrue(torch.equal(usable, expected))
        self.assertLess(IGNORED, 0)

    def test_rate_warms_up_and_falls(self) -> None:
        options = self._options(1000)
        rates = [train.learning_rate(options, step) for step in range(1000)]
        self.assertAlmostEqual(rates[0], 1e-5)
        self.assertAlmostEqual(max(rates), 1e-3)
        self.assertEqual(rates.index(max(rates)), 99)
        self.assertLess(rates[-1], 1.1e-5)

    def test_average_is_the_model_at_first_and_lags_later(self) -> None:
        average, model = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
        before = average.weight.item()
        update_average(average, model, 0, 0.99)
        expected = 0.1 * before + 0.9 * model.weight.item()
        self.assertAlmostEqual(average.weight.item(), expected, places=6)

    def test_decay_is_for_kernels_only(self) -> None:
        model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
        kernels, others = train.make_optimizer(model, 0.1).param_groups
        self.assertEqual(len(kernels["params"]), 1)
        self.assertEqual((len(others["params"]), others["weight_decay"]), (3, 0))

    def test_a_half_written_line_is_no_record(self) -> None:
        folder = self.root / "log"
        folder.mkdir()
        for step in (1, 2, 3):
            append_log(folder, {"kind": "train", "step": step})
        with (folder / "log.jsonl").open("a") as log:
            log.write('{"kind": "tr')
        drop_after(folder, 2)
        self.assertEqual([r["step"] for r in read_log(folder)], [1, 2])

    def test_a_failed_write_leaves_the_old_file(self) -> None:
        path = self.root / "whole.bin"
        write_atomically(path, b"old")
        with self.assertRaises(TypeError):
            write_atomically(path, "text")  # type: ignore[arg-type]
        self.assertEqual(path.read_bytes(), b"old")
        self.assertEqual(list(self.root.glob(".whole.bin*")), [])


if __name__ == "__main__":
    unittest.main()
