# SPDX-License-Identifier: Apache-2.0
"""The table that rivals.py prints: medians, quartiles and ratios. Pure."""

from __future__ import annotations

import dataclasses
import pathlib
import statistics
from collections.abc import Mapping, Sequence

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512vbmi", "amx_int8", "avx512_bf16")


@dataclasses.dataclass(frozen=True)
class Row:
    """All turns of one contestant, milliseconds per tile."""

    name: str
    cores: int
    precision: str  # int8, fp32, ...: rows are compared with ours of the same
    ours: bool
    wall_ms: Sequence[float]
    cpu_ms: Sequence[float]


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def _ours_like(row: Row, rows: Sequence[Row]) -> Row | None:
    same = (r for r in rows if r.ours and r.cores == row.cores)
    return next((r for r in same if r.precision == row.precision), None)


def ratio(mine: Sequence[float], ours: Sequence[float]) -> float:
    """Median of the ratios within each round: what slows both falls out."""
    return statistics.median(m / o for m, o in zip(mine, ours, strict=True))


def _cells(row: Row, rows: Sequence[Row]) -> list[str]:
    low, middle, high = quartiles(row.wall_ms)
    ours = _ours_like(row, rows)
    cells = [row.name, str(row.cores), f"{middle:.1f} [{low:.1f}, {high:.1f}]"]
    cells.append(f"{statistics.median(row.cpu_ms):.1f}")
    if ours is None:
        return [*cells, "-", "-"]
    return [
        *cells,
        f"{ratio(row.wall_ms, ours.wall_ms):.2f}",
        f"{ratio(row.cpu_ms, ours.cpu_ms):.2f}",
    ]


def render(rows: Sequence[Row]) -> str:
    """Markdown, one line per contestant."""
    head = ["contestant", "cores", "ms per tile [quartiles]", "CPU ms per tile"]
    head += ["time / ours", "CPU time / ours"]
    lines = [head, ["---"] * len(head), *(_cells(row, rows) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cpu_line(cpuinfo: str) -> str:
    """Model and the flags that matter, from the text of /proc/cpuinfo."""
    values: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        values.setdefault(key.strip(), value.strip())
    flags = values.get("flags", "").split()
    told = ", ".join(f if f in flags else f"no {f}" for f in FLAGS)
    numbers = [values.get(key, "?") for key in ("cpu family", "model", "stepping")]
    model = values.get("model name", "unknown processor")
    return f"{model} (family/model/stepping {'/'.join(numbers)}): {told}"


def machine(load: Mapping[str, float]) -> list[str]:
    """Lines on this machine; load: averages of a minute by when taken."""
    lines = [cpu_line(pathlib.Path("/proc/cpuinfo").read_text())]
    told = ", ".join(f"{value:.1f} {when}" for when, value in load.items())
    return [*lines, f"load average: {told} (this run itself makes 1 to 2)"]
