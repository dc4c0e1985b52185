# SPDX-License-Identifier: Apache-2.0
"""Runs cyto8 score and cyto8 eval on the fields of a truth file, and times them.

A model is run at two scales: its own, and that of the files, where their pixels
go into the network as they are. Tested by card_runs_test.py.
"""

from __future__ import annotations

import json
import pathlib
import resource
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from card_matching import RESAMPLES, SEED, Boxes, FieldBoxes

# As in shared/data/weights/README.md; lower scores change no figure much.
LOWEST_SCORE = 0.01
MATCH_DISTANCE_PX = 20
SCALES = ("model", "file")


@dataclass(frozen=True)
class Task:
    """truth: COCO JSON with um_per_px; images: folder with its files."""

    program: pathlib.Path
    truth: pathlib.Path
    images: pathlib.Path
    work: pathlib.Path
    threads: int


@dataclass(frozen=True)
class Variant:
    """A model at a scale (one of SCALES)."""

    name: str
    model: pathlib.Path
    scale: str

    @property
    def key(self) -> str:
        return f"{self.name}-{self.scale}"


@dataclass(frozen=True)
class Timing:
    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Result:
    """run.json, the JSON of eval by IoU and by centres, and the detections."""

    run: dict[str, Any]
    by_iou: dict[str, Any]
    by_centre: dict[str, Any]
    detections: list[dict[str, Any]]


def read_truth(path: pathlib.Path) -> dict[str, Any]:
    truth = json.loads(path.read_text(encoding="utf-8"))
    for image in truth["images"]:
        if not image.get("um_per_px"):
            raise ValueError(f"{path}: image {image['file_name']}: no um_per_px")
    return truth


def file_mpp(truth: dict[str, Any]) -> float:
    """The middle um/px of the files."""
    return statistics.median_low(image["um_per_px"] for image in truth["images"])


def image_paths(task: Task, truth: dict[str, Any]) -> list[str]:
    paths = [task.images / image["file_name"] for image in truth["images"]]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: is in {task.truth}, but not there")
    return [str(path) for path in paths]


def score_options(task: Task, truth: dict[str, Any], variant: Variant) -> list[str]:
    """At the files' scale one um/px is given for both: nothing is resampled."""
    mpp = str(file_mpp(truth))
    at_file = ["--mpp", mpp, "--target-mpp", mpp] if variant.scale == "file" else []
    # What an earlier round left would be taken over.
    plain = ["--no-overlays", "--no-heatmaps", "--quiet", "--force"]
    threads = ["--threads", str(task.threads)]
    model = ["--model", str(variant.model), "--mpp-from", str(task.truth)]
    return [*model, *at_file, *threads, *plain]


def run(command: Sequence[str]) -> Timing:
    """Seconds from start to end of a command; RuntimeError if it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    wall_s = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:2])}: exit code {done.returncode}: "
            f"{done.stderr.strip()[-2000:]}"
        )
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Timing(wall_s, cpu_s)


def _evaluated(task: Task, folder: pathlib.Path, options: Sequence[str]) -> dict:
    report = folder.parent / f"{folder.name}-{options[1]}.json"
    command = [str(task.program), "eval", "--gt", str(task.truth)]
    command += ["--pred", str(folder), "--json", str(report), *options]
    run([*command, "--bootstrap", str(RESAMPLES), "--seed", str(SEED)])
    return json.loads(report.read_text(encoding="utf-8"))


def curves_folder(task: Task, variant: Variant) -> pathlib.Path:
    return task.work / f"{variant.key}-curves"


def measure(task: Task, truth: dict[str, Any], variant: Variant) -> Result:
    """Scores all fields and evaluates what was found."""
    folder = task.work / variant.key
    command = [str(task.program), "score", *image_paths(task, truth)]
    command += score_options(task, truth, variant)
    run([*command, "--min-score", str(LOWEST_SCORE), "--output", str(folder)])
    curves = ["--curves", str(curves_folder(task, variant))]
    distance = ["--distance-px", str(MATCH_DISTANCE_PX)]
    return Result(
        run=json.loads((folder / "run.json").read_text(encoding="utf-8")),
        by_iou=_evaluated(task, folder, ["--match", "iou", "--iou", "0.5", *curves]),
        by_centre=_evaluated(task, folder, ["--match", "centre", *distance]),
        detections=json.loads((folder / "coco_results.json").read_text()),
    )


def measure_speed(
    task: Task, truth: dict[str, Any], variants: Sequence[Variant], rounds: int
) -> dict[str, list[Timing]]:
    """By key, a time for each round, the variants in turn; one round before these
    does not count. Scores above the card's threshold are written, as in use."""
    timings: dict[str, list[Timing]] = {variant.key: [] for variant in variants}
    for number in range(rounds + 1):
        for variant in variants if number % 2 else reversed(variants):
            command = [str(task.program), "score", *image_paths(task, truth)]
            command += score_options(task, truth, variant)
            folder = task.work / "speed" / variant.key
            timing = run([*command, "--output", str(folder)])
            if number:
                timings[variant.key].append(timing)
    return timings


def _boxes(
    entries: Sequence[dict], classes: Sequence[int], scores: Sequence[float]
) -> Boxes:
    x, y, w, h = np.array([e["bbox"] for e in entries], float).reshape(-1, 4).T
    corners = np.stack([x, y, x + w, y + h], axis=1)
    return Boxes(corners, np.array(classes, int), np.array(scores, float))


def field_boxes(
    truth: dict[str, Any], detections: list[dict], class_ids: dict[str, int]
) -> list[FieldBoxes]:
    """class_ids: those of the model by name; the truth's classes by their names."""
    unknown = {c["name"] for c in truth["categories"]} - set(class_ids)
    if unknown:
        raise ValueError(f"truth: classes {sorted(unknown)}: not the model's")
    ids = {c["id"]: class_ids[c["name"]] for c in truth["categories"]}
    fields = []
    for image in truth["images"]:
        labels = [a for a in truth["annotations"] if a["image_id"] == image["id"]]
        found = [d for d in detections if d["image_id"] == image["id"]]
        fields.append(
            FieldBoxes(
                image_id=image["id"],
                file_name=image["file_name"],
                truth=_boxes(
                    labels, [ids[a["category_id"]] for a in labels], [1.0] * len(labels)
                ),
                found=_boxes(
                    found,
                    [d["category_id"] for d in found],
                    [d["score"] for d in found],
                ),
            )
        )
    return fields
