# SPDX-License-Identifier: Apache-2.0
"""What the model card says of one model: measured with cyto8, counted here.

Tested by model_card_test.py.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

from card_failures import Failure, failure_rows
from card_matching import (
    FieldBoxes,
    Ratio,
    confusion,
    hits,
    middle_side,
    ratio_of,
    working_counts,
)
from card_runs import (
    SCALES,
    Result,
    Task,
    Timing,
    Variant,
    field_boxes,
    file_mpp,
    measure,
)
from card_tables import SpeedRow, rows_by_name

GROUPS = ("cell", "abnormal", "low", "high")
FAILURE_GROUPS = ("high", "abnormal")
FAILURES_OF_EACH = 6


@dataclass(frozen=True)
class Figures:
    """What is measured of one model; results and sides of boxes by scale, the rest
    at the model's own."""

    name: str
    results: dict[str, Result]
    working: dict[str, tuple[int, int, Ratio, Ratio]]
    confusion: list[list[int]]
    failures: dict[tuple[str, str], list[Failure]]
    fields: list[FieldBoxes]
    class_ids: dict[str, int]
    box_sides_um: dict[str, float]

    @property
    def mpp(self) -> float:
        return self.results["model"].run["settings"]["mpp"]


def group_ids(run: dict, class_ids: dict[str, int]) -> dict[str, list[int]]:
    """Groups, then each class by itself."""
    groups = {n: [class_ids[c] for c in run["model"]["groups"][n]] for n in GROUPS}
    return groups | {name: [class_id] for name, class_id in class_ids.items()}


def check_hits(report: dict, fields: list[FieldBoxes], groups: dict) -> None:
    """Our matching must count as cyto8 eval does."""
    rows = rows_by_name(report)
    for name, group in groups.items():
        ours, theirs = hits(fields, group), rows[name]["true_positives"]
        if ours != theirs:
            raise RuntimeError(f"{name}: {ours} cells found, cyto8 eval has {theirs}")


def working_figures(
    fields: list[FieldBoxes], groups: dict[str, list[int]]
) -> dict[str, tuple[int, int, Ratio, Ratio]]:
    figures = {}
    for name, group in groups.items():
        truth, right, found = working_counts(fields, group)
        recall, precision = ratio_of(right, truth), ratio_of(right, found)
        figures[name] = (int(truth.sum()), int(found.sum()), recall, precision)
    return figures


def measured(task: Task, truth: dict, name: str, model: pathlib.Path) -> Figures:
    results = {s: measure(task, truth, Variant(name, model, s)) for s in SCALES}
    run = results["model"].run
    class_ids = {c["name"]: c["id"] for c in run["model"]["classes"]}
    by_scale = {
        scale: field_boxes(truth, result.detections, class_ids)
        for scale, result in results.items()
    }
    fields = by_scale["model"]
    groups = group_ids(run, class_ids)
    check_hits(results["model"].by_iou, fields, groups)
    classes = list(class_ids.values())
    failing = {group: groups[group] for group in FAILURE_GROUPS}
    return Figures(
        name=name,
        results=results,
        working=working_figures(fields, groups),
        confusion=confusion(fields, classes).tolist(),
        failures=failure_rows(fields, failing, classes, FAILURES_OF_EACH),
        fields=fields,
        class_ids=class_ids,
        box_sides_um={
            scale: middle_side([f.found for f in found]) * file_mpp(truth)
            for scale, found in by_scale.items()
        },
    )


def speed_rows(
    all_figures: Sequence[Figures], truth: dict, timings: dict[str, list[Timing]]
) -> list[SpeedRow]:
    rows = []
    for figures in all_figures:
        for scale in SCALES:
            images = figures.results[scale].run["images"]
            rows.append(
                SpeedRow(
                    name=figures.name,
                    mpp=figures.mpp if scale == "model" else file_mpp(truth),
                    tiles=sum(image["tiles"] for image in images),
                    fields=len(images),
                    timings=timings[f"{figures.name}-{scale}"],
                    against=timings[f"{figures.name}-model"],
                )
            )
    return rows
