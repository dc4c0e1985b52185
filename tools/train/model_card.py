# SPDX-License-Identifier: Apache-2.0
"""Measures shipped models with cyto8 and fills in docs/model-card.md.

    model_card.py --model d2-cells=data/models/d2-cells.yaml \
        --model d0-cells=data/models/d0-cells.yaml \
        --truth val.json --images DIR --work DIR

replaces the sections `conventions`, `speed` and, for each model, that of its
name, and writes images/model-card-NAME-curves.svg and -failures.jpg beside the
document and WORK/model-card.json with all figures. Tested by
model_card_test.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict

from atomic_file import write_atomically
from card_curves import curves_svg, read_curve
from card_figures import (
    FAILURES_OF_EACH,
    GROUPS,
    Figures,
    measured,
    speed_rows,
)
from card_runs import (
    SCALES,
    Task,
    Variant,
    curves_folder,
    file_mpp,
    measure_speed,
    read_truth,
)
from card_sections import check_sections, replace_sections
from card_sheet import contact_sheet
from card_tables import SpeedRow, precision_of, rows_by_name
from card_text import (
    Machine,
    Source,
    conventions_section,
    model_section,
    speed_section,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
KIND_TITLES = {"missed": "Missed", "wrong": "Wrong boxes"}
COMMON_SECTIONS = ("conventions", "speed")


def curves_of(task: Task, figures: Figures) -> str:
    model = Variant(figures.name, pathlib.Path(), "model")
    rows = rows_by_name(figures.results["model"].by_iou)
    curves = []
    for group in GROUPS:
        path = next(curves_folder(task, model).glob(f"group-*-{group}.csv"))
        curves.append(read_curve(path, group, precision_of(rows[group]).value))
    return curves_svg(f"Precision and recall of {figures.name}", curves)


def failures_of(task: Task, figures: Figures) -> bytes:
    rows = {
        f"{KIND_TITLES[kind]}: {group}": failures
        for (kind, group), failures in figures.failures.items()
    }
    fields = {field.image_id: field for field in figures.fields}
    names = {class_id: name for name, class_id in figures.class_ids.items()}
    return contact_sheet(rows, fields, task.images, names, FAILURES_OF_EACH)


def write_pictures(
    task: Task, figures: Figures, folder: pathlib.Path
) -> tuple[str, str]:
    """Their paths as seen from the document beside the folder."""
    stem = f"model-card-{figures.name}"
    curves, failures = f"{stem}-curves.svg", f"{stem}-failures.jpg"
    write_atomically(folder / curves, curves_of(task, figures).encode())
    write_atomically(folder / failures, failures_of(task, figures))
    return f"{folder.name}/{curves}", f"{folder.name}/{failures}"


def raw_figures(
    source: Source, all_figures: Sequence[Figures], rows: Sequence[SpeedRow]
) -> str:
    models = {}
    for figures in all_figures:
        model = asdict(figures)
        for result in model["results"].values():
            del result["detections"], result["run"]["images"]
        model["failures"] = [
            {"group": group, **asdict(failure)}
            for (_, group), failures in figures.failures.items()
            for failure in failures
        ]
        del model["fields"]
        models[figures.name] = model
    speed = [asdict(row) for row in rows]
    return json.dumps(
        {"source": asdict(source), "models": models, "speed": speed}, indent=1
    )


def source_of(task: Task, truth: dict, command: str) -> Source:
    return Source(
        truth=task.truth.name,
        sha256=hashlib.sha256(task.truth.read_bytes()).hexdigest(),
        fields=len(truth["images"]),
        cells=len(truth["annotations"]),
        file_mpp=file_mpp(truth),
        command=command,
    )


def make_card(
    task: Task,
    models: dict[str, pathlib.Path],
    rounds: int,
    document: pathlib.Path,
    command: str,
) -> None:
    check_sections(document, [*models, *COMMON_SECTIONS])
    truth = read_truth(task.truth)
    source = source_of(task, truth, command)
    task.work.mkdir(parents=True, exist_ok=True)
    all_figures = [measured(task, truth, name, path) for name, path in models.items()]
    variants = [Variant(n, path, s) for n, path in models.items() for s in SCALES]
    timings = measure_speed(task, truth, variants, rounds)
    machine = Machine(cores=len(os.sched_getaffinity(0)), load=os.getloadavg()[2])
    rows = speed_rows(all_figures, truth, timings)
    run = all_figures[0].results["model"].run
    sections = {
        "conventions": conventions_section(source),
        "speed": speed_section(rows, run, machine),
    }
    for figures in all_figures:
        pictures = write_pictures(task, figures, document.parent / "images")
        sections[figures.name] = model_section(source, figures, pictures)
    raw = raw_figures(source, all_figures, rows)
    write_atomically(task.work / "model-card.json", f"{raw}\n".encode())
    replace_sections(document, sections)


def named_model(text: str) -> tuple[str, pathlib.Path]:
    name, _, path = text.partition("=")
    if not path or not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise argparse.ArgumentTypeError(f"{text}: must be NAME=PATH")
    if name in COMMON_SECTIONS:
        raise argparse.ArgumentTypeError(f"{name}: is the name of another section")
    return name, pathlib.Path(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    path = pathlib.Path
    parser.add_argument("--model", type=named_model, action="append", required=True)
    parser.add_argument("--truth", type=path, required=True)
    parser.add_argument("--images", type=path, required=True)
    parser.add_argument("--work", type=path, required=True)
    parser.add_argument(
        "--program", type=path, default=ROOT / "build/release/app/cyto8"
    )
    parser.add_argument("--document", type=path, default=ROOT / "docs/model-card.md")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    task = Task(given.program, given.truth, given.images, given.work, given.threads)
    command = shlex.join(["tools/train/model_card.py", *sys.argv[1:]])
    make_card(task, dict(given.model), given.rounds, given.document, command)


if __name__ == "__main__":
    main()
