# SPDX-License-Identifier: Apache-2.0
"""The sections of docs/model-card.md that model_card.py fills in.

Tested by card_text_test.py.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from card_failures import PER_FIELD
from card_figures import GROUPS, Figures
from card_matching import RESAMPLES, WORKING_SCORE
from card_runs import LOWEST_SCORE, MATCH_DISTANCE_PX
from card_tables import (
    SpeedRow,
    confusion_table,
    precision_table,
    speed_table,
    working_table,
)

CONVENTIONS = """\
Truth: {fields} fields with {cells} labelled cells, `{truth}` (SHA-256 `{sha256}`).
Made by

    {command}

which runs `cyto8 score --min-score {lowest}` on the fields that the truth names and
`cyto8 eval --iou 0.5` on what was found.

* **Scales.** At the model's um/px the fields are reduced as in training. At
  {mpp} um/px (`--mpp {mpp} --target-mpp {mpp}`) the pixels of the files go into the
  network as they are; nothing is done for the model, to which all cells are then
  larger than any it was trained on.
* **AP50**: average precision at IoU 0.5 (101 points, every box with a score above
  {lowest}); the classes of a group are pooled. **By centre**: the same, but a box
  finds a cell if their centres are at most {distance} px of the file apart, whatever
  its size. In brackets 95 % intervals ({resamples} resamples of fields).
* **Recall, precision and classes** count boxes with scores of {working} and more, at
  the model's um/px. In the table of classes all classes are pooled, so that a cell has
  one box, and matched at IoU 0.5 whatever the class.
* **The worst failures** are chosen by rule. Missed: the labelled cells that no box of
  the group finds at {working}, those found at the lowest score first, then those that
  another class took with the highest score. Wrong boxes: those of the group that find
  no labelled cell of it, the highest score first; a label of the group below one says
  that another box took that cell. At most {per_field} of a field in a row, none twice.
  Thick frames: the cell missed (cyan) or the wrong box (yellow); thin ones: labelled
  cells. Not every cell is labelled, so "label none" may be a cell of that class.
"""

MODEL = """\
`{file}`, SHA-256 `{sha256}`, by cyto8 {version}, engine {engine}.

{precisions}

Boxes with scores of {working} and more have a median side of {own_um:.1f} um at
{mpp:.3f} um/px and of {file_um:.1f} um at {file_mpp:.3f}.

Boxes with scores of {working} and more, {mpp:.3f} um/px:

{counts}

![Precision and recall of the groups]({curves})

*Precision and recall at IoU 0.5, {mpp:.3f} um/px; dots: scores of {working} and more.*

Labelled classes (rows) and found ones (columns), scores of {working} and more:

{confusion}

![The worst failures]({failures})

*The worst failures. Fields: CRIC Cervix, Rezende et al., Scientific Data 8, 151 (2021),
<https://doi.org/10.1038/s41597-021-00933-8>, CC BY 4.0; cut out, frames drawn
(`data/models/ATTRIBUTION.txt`).*
"""

SPEED = """\
{cpu}, {cores} CPU(s) usable, load average {load:.1f} over the last 15 minutes;
{threads} thread(s), engine {engine}. The whole command `cyto8 score` from start to end,
without pictures, over {fields} fields; medians of {rounds} round(s) after one that does
not count, all rows in turn in each round. Last column: time for the same fields against
the same model's own scale in the same round, with the least and the greatest.

{table}
"""


@dataclass(frozen=True)
class Source:
    """Where the figures come from: the truth, and the command that made them."""

    truth: str
    sha256: str
    fields: int
    cells: int
    file_mpp: float
    command: str


@dataclass(frozen=True)
class Machine:
    cores: int
    load: float


def conventions_section(source: Source) -> str:
    return CONVENTIONS.format(
        fields=source.fields,
        cells=source.cells,
        truth=source.truth,
        sha256=source.sha256,
        command=source.command,
        lowest=LOWEST_SCORE,
        mpp=source.file_mpp,
        distance=MATCH_DISTANCE_PX,
        resamples=RESAMPLES,
        working=WORKING_SCORE,
        per_field=PER_FIELD,
    )


def model_section(source: Source, figures: Figures, pictures: tuple[str, str]) -> str:
    """pictures: curves and failures, as seen from the document."""
    at_model, at_file = figures.results["model"], figures.results["file"]
    own, file = f"{figures.mpp:.3f} um/px", f"{source.file_mpp:.3f} um/px"
    columns = {
        f"AP50, {own}": at_model.by_iou,
        f"AP50, {file}": at_file.by_iou,
        f"by centre, {own}": at_model.by_centre,
        f"by centre, {file}": at_file.by_centre,
    }
    run = at_model.run
    return MODEL.format(
        file=pathlib.PurePath(run["model"]["file"]).name,
        sha256=run["model"]["sha256"],
        version=run["program"]["version"],
        engine=run["engine"],
        precisions=precision_table([*GROUPS, *figures.class_ids], columns),
        working=WORKING_SCORE,
        mpp=figures.mpp,
        own_um=figures.box_sides_um["model"],
        file_um=figures.box_sides_um["file"],
        file_mpp=source.file_mpp,
        counts=working_table(figures.working),
        curves=pictures[0],
        confusion=confusion_table(list(figures.class_ids), np.array(figures.confusion)),
        failures=pictures[1],
    )


def speed_section(rows: Sequence[SpeedRow], run: dict, machine: Machine) -> str:
    """run: run.json of one of them."""
    return SPEED.format(
        cpu=run["cpu"],
        cores=machine.cores,
        load=machine.load,
        threads=run["threads"],
        engine=run["engine"],
        fields=rows[0].fields,
        rounds=len(rows[0].timings),
        table=speed_table(rows),
    )
