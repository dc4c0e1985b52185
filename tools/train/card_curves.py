# SPDX-License-Identifier: Apache-2.0
"""Precision-recall curves of several groups as one SVG, for light and dark pages.

Drawn from the CSV files of cyto8 eval --curves: precision made falling, at 101
recalls, as AP sums it; a dot at WORKING_SCORE. Tested by card_curves_test.py.
"""

from __future__ import annotations

import csv
import html
import pathlib
from dataclasses import dataclass

from card_matching import WORKING_SCORE

WIDTH_PX, HEIGHT_PX = 520, 360
LEFT_PX, TOP_PX = 52.0, 16.0
PLOT_WIDTH_PX, PLOT_HEIGHT_PX = 450.0, 292.0
TICKS = 5
RECALLS = 101
DASHES = ("none", "7 3", "2 3", "9 3 2 3")
STYLE = """\
<style>
.page { fill: #ffffff } .grid { stroke: #d0d7de } text { fill: #24292f }
.line { fill: none; stroke-width: 2 }
.line0 { stroke: #0072b2 } .dot0 { fill: #0072b2 }
.line1 { stroke: #b5470f } .dot1 { fill: #b5470f }
.line2 { stroke: #00795a } .dot2 { fill: #00795a }
.line3 { stroke: #a8327a } .dot3 { fill: #a8327a }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .grid { stroke: #30363d } text { fill: #c9d1d9 }
.line0 { stroke: #58b2ee } .dot0 { fill: #58b2ee }
.line1 { stroke: #f29a4a } .dot1 { fill: #f29a4a }
.line2 { stroke: #35c79a } .dot2 { fill: #35c79a }
.line3 { stroke: #f08cc8 } .dot3 { fill: #f08cc8 }
}
</style>
"""


@dataclass(frozen=True)
class Curve:
    """Precision at RECALLS recalls from 0 to 1; working: recall and precision."""

    name: str
    average_precision: float
    precisions: list[float]
    working: tuple[float, float] | None


def read_curve(path: pathlib.Path, name: str, average_precision: float) -> Curve:
    """path: a CSV of cyto8 eval --curves, by falling score."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {key: float(value) for key, value in row.items() if value}
            for row in csv.DictReader(file)
        ]
    if rows and "recall" not in rows[0]:
        raise ValueError(f"{path}: recall: empty, there is no truth of {name}")
    precisions, at = [], 0
    for i in range(RECALLS):
        while at < len(rows) and rows[at]["recall"] < i / (RECALLS - 1) - 5e-7:
            at += 1
        precisions.append(rows[at]["envelope"] if at < len(rows) else 0.0)
    above = [row for row in rows if row["score"] >= WORKING_SCORE]
    working = (above[-1]["recall"], above[-1]["precision"]) if above else None
    return Curve(name, average_precision, precisions, working)


def _x(recall: float) -> float:
    return round(LEFT_PX + recall * PLOT_WIDTH_PX, 1)


def _y(precision: float) -> float:
    return round(TOP_PX + (1 - precision) * PLOT_HEIGHT_PX, 1)


def _axes() -> list[str]:
    parts = []
    for i in range(TICKS + 1):
        at = i / TICKS
        parts += [
            f'<path class="grid" d="M{_x(at)} {_y(1)}V{_y(0)}M{_x(0)} {_y(at)}'
            f'H{_x(1)}"/>',
            f'<text x="{_x(at)}" y="{_y(0) + 17}" text-anchor="middle">{at:.1f}</text>',
            f'<text x="{_x(0) - 7}" y="{_y(at) + 4}" text-anchor="end">{at:.1f}</text>',
        ]
    return [
        *parts,
        f'<text x="{_x(0.5)}" y="{_y(0) + 36}" text-anchor="middle">recall</text>',
        f'<text transform="translate(14 {_y(0.5)}) rotate(-90)" '
        'text-anchor="middle">precision</text>',
    ]


def _line(curve: Curve, number: int) -> list[str]:
    points = " ".join(
        f"{_x(i / (RECALLS - 1))},{_y(p)}" for i, p in enumerate(curve.precisions)
    )
    parts = [
        f'<polyline class="line line{number}" '
        f'stroke-dasharray="{DASHES[number]}" points="{points}"/>'
    ]
    if curve.working:
        recall, precision = curve.working
        parts.append(
            f'<circle cx="{_x(recall)}" cy="{_y(precision)}" r="4.5" '
            f'class="dot{number}"/>'
        )
    return parts


def _legend(curve: Curve, number: int) -> list[str]:
    y = _y(0) - 14 - 19 * (len(DASHES) - 1 - number)
    return [
        f'<path class="line line{number}" '
        f'stroke-dasharray="{DASHES[number]}" d="M{_x(0) + 10} {y - 4}h28"/>',
        f'<text x="{_x(0) + 46}" y="{y}">{html.escape(curve.name)}: AP50 '
        f"{curve.average_precision:.3f}</text>",
    ]


def curves_svg(title: str, curves: list[Curve]) -> str:
    """At most four curves."""
    lines = [part for i, curve in enumerate(curves) for part in _line(curve, i)]
    legend = [part for i, curve in enumerate(curves) for part in _legend(curve, i)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" '
            f'height="{HEIGHT_PX}" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" '
            'font-family="sans-serif" font-size="13">',
            f"<title>{html.escape(title)}</title>",
            STYLE + f'<rect class="page" width="{WIDTH_PX}" height="{HEIGHT_PX}"/>',
            *_axes(),
            *lines,
            *legend,
            "</svg>\n",
        ]
    )
