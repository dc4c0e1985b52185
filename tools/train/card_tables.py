# SPDX-License-Identifier: Apache-2.0
"""The tables of the model card as markdown. Tested by card_tables_test.py."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from card_matching import Ratio
from card_runs import Timing


@dataclass(frozen=True)
class SpeedRow:
    """A model at a scale: um/px, tiles and fields of a round, a time a round.

    against: the times of the same model at its own scale, round by round.
    """

    name: str
    mpp: float
    tiles: int
    fields: int
    timings: Sequence[Timing]
    against: Sequence[Timing]


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    rule = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join([lines[0], rule, *lines[1:]])


def ratio_text(ratio: Ratio) -> str:
    if ratio.value < 0:
        return "-"
    if ratio.low < 0:
        return f"{ratio.value:.3f}"
    return f"{ratio.value:.3f} ({ratio.low:.3f}-{ratio.high:.3f})"


def precision_of(row: Mapping) -> Ratio:
    """The AP of a row of cyto8 eval --json at its first level."""
    interval = row.get("first_level_AP_interval") or row.get("AP_interval")
    value = next(iter(row["AP_by_level"].values()))
    if value < 0 or interval is None:
        return Ratio(value, -1.0, -1.0)
    return Ratio(value, interval["low"], interval["high"])


def rows_by_name(report: Mapping) -> dict[str, Mapping]:
    """Groups and classes of cyto8 eval --json."""
    return {row["name"]: row for row in [*report["groups"], *report["classes"]]}


def precision_table(names: Sequence[str], columns: Mapping[str, Mapping]) -> str:
    """columns: reports of cyto8 eval by title; they share the truth."""
    reports = [rows_by_name(report) for report in columns.values()]
    rows = []
    for name in names:
        figures = [ratio_text(precision_of(report[name])) for report in reports]
        rows.append([name, str(reports[0][name]["truth"]), *figures])
    return markdown_table(["", "labelled", *columns], rows)


def working_table(rows: Mapping[str, tuple[int, int, Ratio, Ratio]]) -> str:
    """By name: labelled cells, boxes, recall, precision."""
    texts = [
        [name, str(truth), str(found), ratio_text(recall), ratio_text(precision)]
        for name, (truth, found, recall, precision) in rows.items()
    ]
    return markdown_table(["", "labelled", "boxes", "recall", "precision"], texts)


def confusion_table(names: Sequence[str], table: np.ndarray) -> str:
    """table: as of card_matching.confusion, classes in the order of names."""
    rows = []
    for name, counts in zip((*names, "*no label*"), table.tolist(), strict=True):
        last = name == "*no label*"
        cells = [str(count) for count in counts[:-1]]
        rows.append([name, *cells, "" if last else str(counts[-1])])
    return markdown_table(["label \\ found", *names, "*missed*"], rows)


def speed_table(rows: Sequence[SpeedRow]) -> str:
    """Medians; the last column with the least and greatest of the rounds."""
    texts = []
    for row in rows:
        wall = statistics.median(t.wall_s for t in row.timings)
        cpu = statistics.median(t.cpu_s for t in row.timings)
        times = [
            a.wall_s / b.wall_s for a, b in zip(row.timings, row.against, strict=True)
        ]
        ratio = f"{statistics.median(times):.2f} ({min(times):.2f}-{max(times):.2f})"
        texts.append(
            [
                row.name,
                f"{row.mpp:.4g}",
                str(row.tiles),
                f"{row.tiles / wall:.2f}",
                f"{wall / row.fields:.3f}",
                f"{cpu / row.tiles:.3f}",
                "1" if row.timings == row.against else ratio,
            ]
        )
    head = ["", "um/px", "tiles", "tiles/s", "s a field", "CPU s a tile"]
    return markdown_table([*head, "time against own scale"], texts)
