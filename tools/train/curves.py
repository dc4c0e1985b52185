# SPDX-License-Identifier: Apache-2.0
"""The log of a run (JSON lines) and its curves as a picture.

    curves.py RUN_FOLDER

Tested by train_test.py.
"""

from __future__ import annotations

import argparse
import json
import pathlib

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from atomic_file import write_atomically  # noqa: E402

LOG_NAME, PICTURE_NAME = "log.jsonl", "curves.png"
SHOWN_GROUPS = ("cell", "abnormal", "low", "high")


def append_log(folder: pathlib.Path, record: dict) -> None:
    with (folder / LOG_NAME).open("a", encoding="utf-8") as log:
        log.write(json.dumps(record) + "\n")


def read_log(folder: pathlib.Path) -> list[dict]:
    """Whole lines only: a run may have been stopped in the middle of one."""
    path = folder / LOG_NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def drop_after(folder: pathlib.Path, step: int) -> None:
    """Removes records of steps that a resumed run will do again."""
    kept = [record for record in read_log(folder) if record["step"] <= step]
    lines = "".join(json.dumps(record) + "\n" for record in kept)
    write_atomically(folder / LOG_NAME, lines.encode())


def _smoothed(values: list[float]) -> list[float]:
    out, mean = [], values[0] if values else 0.0
    for value in values:
        mean += 0.05 * (value - mean)
        out.append(mean)
    return out


def draw_curves(folder: pathlib.Path) -> None:
    """Losses above, AP at IoU 0.5 on the held-out runs below."""
    records = read_log(folder)
    losses = [record for record in records if record["kind"] == "train"]
    scores = [record for record in records if record["kind"] == "held_out"]
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(8, 8), sharex=True)
    for name in ("class_loss", "box_loss"):
        values = [record[name] for record in losses]
        steps = [record["step"] for record in losses]
        upper.plot(steps, _smoothed(values), label=name)
    upper.set_ylabel("loss, smoothed")
    for group in SHOWN_GROUPS:
        steps = [record["step"] for record in scores]
        lower.plot(steps, [r["ap50"][group] for r in scores], "o-", label=group)
    lower.set_ylabel("AP50, held-out runs")
    lower.set_xlabel("step")
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.tight_layout()
    figure.savefig(folder / PICTURE_NAME, dpi=100)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    draw_curves(parser.parse_args().folder)


if __name__ == "__main__":
    main()
