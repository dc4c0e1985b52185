# SPDX-License-Identifier: Apache-2.0
"""Cross-validated AP50 over all labelled fields, five folds by run.

    cross_validate.py --run DIR --cache DIR --minutes 60 [--only FOLD]

For each fold a model is trained from scratch on the runs of the others (as by
train.py; DIR/fold-K is its run folder) and finds the cells of the fold's fields
with its last moving average: nothing is chosen on them. Those raw boxes are
kept in DIR/fold-K/boxes.npz. The same command again goes on where it stopped;
calls at the same time take different folds. Once all folds are there, the
figures go to DIR/cross_validation.json and, as a table, to the output. What the
runs are is fixed at the first start (options.json). Tested by
cross_validate_test.py.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import io
import json
import math
import pathlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

from atomic_file import write_atomically
from evaluate import (
    GROUPS,
    TILE_PX,
    RawBoxes,
    average_precision,
    detect,
    group_detections,
    true_positives,
    truth_boxes,
)
from fields import CLASS_NAMES, SPLITS, Field, folds_by_run, load_splits
from model import make_model
from train import (
    FINAL_NAME,
    TrainOptions,
    add_limits,
    add_run_arguments,
    first_options,
    options_from,
    train,
)
from weights import apply_weights, load_weights

FOLDS = 5
FIGURES_NAME = "cross_validation.json"
RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
SEED = 1
METHOD = (
    "AP at IoU 0.5 (101 points) of the detections of all fields pooled, each found "
    "by the model that was trained from scratch without the field's fold; folds by "
    "run of five neighbouring fields (neighbouring runs may still share a smear). "
    f"Intervals: {PERCENTILES[0]} % and {PERCENTILES[1]} "
    f"% of {RESAMPLES} resamples of whole runs with replacement (seed {SEED}), the "
    "models as they are; resamples without a box of the class are left out. Over "
    "folds: AP50 of each fold alone, mean and standard deviation of the sample."
)


# ------------------------------------------------------------------ one fold


@contextlib.contextmanager
def claimed(folder: pathlib.Path) -> Iterator[bool]:
    """Whether the fold is ours until the end; no other process is at it then."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = True
        except BlockingIOError:
            mine = False
        yield mine


def fold_options(
    folder: pathlib.Path, options: TrainOptions, runs: set[int]
) -> TrainOptions:
    """ValueError if the fold was begun with others, or with another cache."""
    wanted = asdict(replace(options, leave_out=tuple(sorted(runs))))
    saved = asdict(first_options(folder, TrainOptions(**wanted)))
    for key, value in wanted.items():
        if saved[key] != value:
            path = folder / "options.json"
            raise ValueError(f"{path}: {key} = {saved[key]}: must be {value}")
    return TrainOptions(**saved)


@dataclass(frozen=True)
class Fold:
    """A run folder of train.py, and the fields that the run leaves out."""

    folder: pathlib.Path
    options: TrainOptions
    fields: list[Field]

    @property
    def boxes_path(self) -> pathlib.Path:
        return self.folder / "boxes.npz"


def make_folds(
    folder: pathlib.Path, options: TrainOptions, fields: list[Field]
) -> list[Fold]:
    folds = []
    for number, runs in enumerate(folds_by_run(fields, FOLDS)):
        part = folder / f"fold-{number}"
        own = [field for field in fields if field.run in runs]
        folds.append(Fold(part, fold_options(part, options, runs), own))
    return folds


def save_boxes(
    path: pathlib.Path, fields: list[Field], detections: list[RawBoxes]
) -> None:
    content = io.BytesIO()
    np.savez_compressed(
        content,
        names=np.array([field.name for field in fields]),
        counts=np.array([len(raw.boxes) for raw in detections]),
        boxes=np.concatenate([raw.boxes for raw in detections]),
        probabilities=np.concatenate([raw.probabilities for raw in detections]),
    )
    write_atomically(path, content.getvalue())


def load_boxes(path: pathlib.Path, fields: list[Field]) -> list[RawBoxes]:
    """Of these very fields in this order."""
    with np.load(path) as arrays:
        names, ends = arrays["names"].tolist(), np.cumsum(arrays["counts"])[:-1]
        boxes = np.split(arrays["boxes"], ends)
        probabilities = np.split(arrays["probabilities"], ends)
    if names != [field.name for field in fields]:
        raise ValueError(f"{path}: names: not those of the fold's fields")
    return [RawBoxes(*pair) for pair in zip(boxes, probabilities, strict=True)]


def detect_with(
    weights: pathlib.Path, size: str, device: str, fields: list[Field]
) -> list[RawBoxes]:
    model = make_model(size, len(CLASS_NAMES)).eval()
    apply_weights(model, load_weights(weights))
    model = model.to(device)
    return [detect(model, field, TILE_PX) for field in fields]


def run_fold(fold: Fold, limits: argparse.Namespace) -> None:
    """Trains, then detects on the fold's fields, as far as the time allows."""
    final = fold.folder / FINAL_NAME
    with claimed(fold.folder) as mine:
        if not mine:
            print(f"{fold.folder.name}: another process is at it", flush=True)
            return
        if not final.exists():
            train(fold.folder, fold.options, limits)
        if final.exists() and not fold.boxes_path.exists():
            size, device = fold.options.size, limits.device
            found = detect_with(final, size, device, fold.fields)
            save_boxes(fold.boxes_path, fold.fields, found)


def run_folds(folds: list[Fold], limits: argparse.Namespace) -> None:
    """One after the other until the minutes of this call are used up."""
    started = time.monotonic()
    for fold in folds:
        if fold.boxes_path.exists():
            continue
        minutes = limits.minutes - (time.monotonic() - started) / 60
        run_fold(fold, argparse.Namespace(**vars(limits) | {"minutes": minutes}))
        if time.monotonic() - started > limits.minutes * 60:
            return


# ------------------------------------------------------------------- figures


@dataclass(frozen=True)
class Outcomes:
    """Of one group: detections, best first, each with its run's index; boxes.

    runs count in the order of the run's numbers; truth: boxes of each run.
    """

    scores: np.ndarray
    found: np.ndarray
    runs: np.ndarray
    truth: np.ndarray


def outcomes_of(
    fields: list[Field], detections: list[RawBoxes], group: tuple[int, ...]
) -> Outcomes:
    numbers = sorted({field.run for field in fields})
    truth = np.zeros(len(numbers), np.int64)
    scores, found, runs = [], [], []
    for field, raw in zip(fields, detections, strict=True):
        run, wanted = numbers.index(field.run), truth_boxes(field, group)
        boxes, box_scores = group_detections(raw, group)
        scores.append(box_scores)
        found.append(true_positives(boxes, wanted))
        runs.append(np.full(len(boxes), run))
        truth[run] += len(wanted)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    columns = (np.concatenate(column)[order] for column in (scores, found, runs))
    return Outcomes(*columns, truth)


def weighted_precision(outcomes: Outcomes, weights: np.ndarray) -> float:
    """AP where run i is there weights[i] times; NaN without a box."""
    rows = np.repeat(np.arange(len(outcomes.runs)), weights[outcomes.runs])
    boxes = int(weights @ outcomes.truth)
    if not boxes:
        return math.nan
    return average_precision(outcomes.scores[rows], outcomes.found[rows], boxes)


def resampled_weights(runs: int) -> np.ndarray:
    """RESAMPLES x runs: how often each is drawn, as many draws as runs."""
    draws = np.random.default_rng(SEED).integers(runs, size=(RESAMPLES, runs))
    return np.stack([np.bincount(row, minlength=runs) for row in draws])


def interval_of(outcomes: Outcomes, weights: np.ndarray) -> dict[str, float | int]:
    """Percentiles of the resamples in which the figure exists."""
    values = np.array([weighted_precision(outcomes, row) for row in weights])
    values = values[~np.isnan(values)]
    low, high = np.percentile(values, PERCENTILES) if len(values) else (math.nan,) * 2
    return {"low": float(low), "high": float(high), "resamples": len(values)}


def spread_of(outcomes: Outcomes, folds: np.ndarray) -> dict[str, float | list]:
    """folds: for each, 1 for its runs and 0 for the others."""
    values = np.array([weighted_precision(outcomes, row) for row in folds])
    defined = values[~np.isnan(values)]
    return {
        "fold_boxes": (folds @ outcomes.truth).tolist(),
        "fold_ap50": values.tolist(),
        "fold_mean": float(defined.mean()) if len(defined) else math.nan,
        "fold_deviation": float(defined.std(ddof=1)) if len(defined) > 1 else math.nan,
    }


def figures_of(outcomes: Outcomes, weights: np.ndarray, folds: np.ndarray) -> dict:
    """One group's."""
    once = np.ones(len(outcomes.truth), np.int64)
    return {
        "boxes": int(outcomes.truth.sum()),
        "ap50": weighted_precision(outcomes, once),
        **interval_of(outcomes, weights),
        **spread_of(outcomes, folds),
    }


def pooled_figures(
    fields: list[Field], detections: list[RawBoxes], folds: list[set[int]]
) -> dict[str, dict]:
    """Of each group and class; folds: their runs."""
    numbers = sorted({field.run for field in fields})
    weights = resampled_weights(len(numbers))
    fold_weights = np.array([[int(run in fold) for run in numbers] for fold in folds])
    return {
        name: figures_of(outcomes_of(fields, detections, group), weights, fold_weights)
        for name, group in GROUPS.items()
    }


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def table(figures: dict[str, dict]) -> str:
    """Markdown."""
    lines = [
        "| | boxes | AP50 | 95 % interval | mean of folds | deviation | folds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in figures.items():
        folds = ", ".join(_shown(value) for value in row["fold_ap50"])
        lines.append(
            f"| {name} | {row['boxes']} | {_shown(row['ap50'])} "
            f"| [{_shown(row['low'])}, {_shown(row['high'])}] "
            f"| {_shown(row['fold_mean'])} | {_shown(row['fold_deviation'])} "
            f"| {folds} |"
        )
    return "\n".join(lines)


def _rounded(value: object) -> object:
    """4 decimals; JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value


# ----------------------------------------------------------------- all folds


def pool(folder: pathlib.Path, options: TrainOptions, folds: list[Fold]) -> None:
    """Figures of all folds, of which each has its boxes."""
    fields = [field for fold in folds for field in fold.fields]
    found = [raw for f in folds for raw in load_boxes(f.boxes_path, f.fields)]
    runs = [set(fold.options.leave_out) for fold in folds]
    figures = pooled_figures(fields, found, runs)
    result = {
        "method": METHOD,
        "options": asdict(options),
        "fields": len(fields),
        "folds": [sorted(fold) for fold in runs],
        "figures": _rounded(figures),
    }
    text = json.dumps(result, indent=1) + "\n"
    write_atomically(folder / FIGURES_NAME, text.encode())
    print(f"{table(figures)}\n\n{len(fields)} fields. {METHOD}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_arguments(parser)
    parser.set_defaults(size="d0", rate=1.5e-3)
    parser.set_defaults(start=None, splits=SPLITS, hold_out=(), leave_out=())
    add_limits(parser)
    folds = range(FOLDS)
    parser.add_argument("--only", type=int, choices=folds, help="this fold alone")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    folder = arguments.run
    options = first_options(folder, options_from(arguments))
    fields = load_splits(pathlib.Path(options.cache), options.splits)
    folds = make_folds(folder, options, fields)
    only = arguments.only
    run_folds(folds if only is None else [folds[only]], arguments)
    missing = [fold.folder.name for fold in folds if not fold.boxes_path.exists()]
    if missing:
        print(f"not done yet: {', '.join(missing)}")
    else:
        pool(folder, options, folds)


if __name__ == "__main__":
    main()
