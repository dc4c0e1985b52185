# SPDX-License-Identifier: Apache-2.0
"""Trains a detector; the same command again goes on where it stopped.

    train.py --run DIR --cache DIR --start d2_balanced_fp16.npz --minutes 60

Writes into the run folder: options.json, log.jsonl, curves.png, last.pt (all
that resuming needs), best.npz (moving average, highest mean of the group APs
on the held-out runs) and final.npz. Runs that are left out are neither learnt
from nor looked at (cross_validate.py). Tested by train_test.py.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import pathlib
import time
from dataclasses import asdict, dataclass

import torch

import native_ops
from anchors import flatten_outputs
from atomic_file import write_atomically
from batches import Batch, BatchSeries, batches_from
from checkpoint import TrainState, load_state, save_state, update_average
from crops import CellIndex, CropOptions
from curves import append_log, draw_curves, drop_after
from evaluate import evaluate
from fields import CLASS_NAMES, SPLITS, Field, load_splits, split_runs
from losses import detection_loss
from model import make_model
from weights import apply_weights, load_weights, save_weights

SELECTION_GROUPS = ("cell", "abnormal", "low", "high")
FINAL_NAME = "final.npz"
WARM_UP_STEPS = 100
FINAL_RATE_SHARE = 0.01
GRADIENT_NORM = 10.0
WEIGHT_DECAY = 4e-5
LOG_EVERY = 10


@dataclass(frozen=True)
class TrainOptions:
    """What a run is; fixed at its first start (options.json)."""

    size: str
    cache: str
    start: str | None
    splits: tuple[str, ...]
    hold_out: tuple[int, ...]
    leave_out: tuple[int, ...]
    steps: int
    batch: int
    crop_px: int
    rate: float
    average_limit: float
    seed: int
    evaluate_every: int
    frozen_share: float = 0.0


def learning_rate(options: TrainOptions, step: int) -> float:
    """Linear warm-up, then half a cosine to FINAL_RATE_SHARE."""
    if step < WARM_UP_STEPS:
        return options.rate * (step + 1) / WARM_UP_STEPS
    done = (step - WARM_UP_STEPS) / max(options.steps - WARM_UP_STEPS, 1)
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return options.rate * (FINAL_RATE_SHARE + (1 - FINAL_RATE_SHARE) * cosine)


def make_optimizer(model: torch.nn.Module, rate: float) -> torch.optim.AdamW:
    """Weight decay on kernels only, as in automl."""
    kernels = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    return torch.optim.AdamW(
        [
            {"params": kernels, "weight_decay": WEIGHT_DECAY},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=rate,
        fused=True,
    )


def make_state(options: TrainOptions, device: torch.device) -> TrainState:
    torch.manual_seed(options.seed)
    model = make_model(options.size, len(CLASS_NAMES))
    if options.start:
        apply_weights(model, load_weights(pathlib.Path(options.start)))
    model = model.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(model).eval().requires_grad_(False)
    return TrainState(model, average, make_optimizer(model, options.rate))


def freeze_norms(state: TrainState) -> None:
    """From here on batch norm uses the statistics that evaluation will use.

    With those of each batch the network never meets a field that they tame and
    the running ones do not: a D0 trained so had a runaway map on one in ten.
    """
    for layer in state.model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eval()
    pairs = zip(state.average.buffers(), state.model.buffers(), strict=True)
    for mean, value in pairs:
        mean.copy_(value)


def train_step(
    options: TrainOptions, state: TrainState, batch: Batch, bfloat16: bool
) -> dict[str, float]:
    """One step; returns what the log says about it."""
    device = next(state.model.parameters()).device
    rate = learning_rate(options, state.step)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.model.train()
    if state.step >= options.steps * (1 - options.frozen_share):
        freeze_norms(state)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
        class_outputs, box_outputs = state.model(batch.normalised(device))
    class_part, box_part = detection_loss(
        flatten_outputs(class_outputs, len(CLASS_NAMES)),
        flatten_outputs(box_outputs, 4),
        batch.classes.to(device),
        batch.deltas.to(device),
    )
    state.optimizer.zero_grad(set_to_none=True)
    (class_part + box_part).backward()
    norm = torch.nn.utils.clip_grad_norm_(state.model.parameters(), GRADIENT_NORM)
    if torch.isfinite(norm):
        state.optimizer.step()
    update_average(state.average, state.model, state.step, options.average_limit)
    state.step += 1
    return {
        "class_loss": class_part.item(),
        "box_loss": box_part.item(),
        "gradient_norm": norm.item(),
        "rate": rate,
    }


def evaluate_average(
    folder: pathlib.Path, state: TrainState, fields: list[Field], bfloat16: bool
) -> None:
    """Logs AP on the held-out runs; keeps the best weights; draws the curves."""
    save_weights(folder / "average.npz", state.average, "float16")
    if fields:
        precisions = evaluate(state.average, fields, None, bfloat16)
        figure = sum(precisions[name] for name in SELECTION_GROUPS) / 4
        record = {"kind": "held_out", "step": state.step, "selection": figure}
        append_log(folder, record | {"ap50": precisions})
        if figure > state.best:
            state.best = figure
            save_weights(folder / "best.npz", state.average, "float16")
    draw_curves(folder)


def fields_of(options: TrainOptions) -> tuple[list[Field], list[Field]]:
    """Fields to learn from, and those of the held-out runs."""
    fields = load_splits(pathlib.Path(options.cache), options.splits)
    kept, _ = split_runs(fields, set(options.leave_out))
    return split_runs(kept, set(options.hold_out))


def run_training(
    folder: pathlib.Path,
    options: TrainOptions,
    state: TrainState,
    limits: argparse.Namespace,
) -> None:
    """Steps until the schedule or the minutes of this call are used up."""
    learn, held_out = fields_of(options)
    crop_options = CropOptions(size_px=options.crop_px)
    series = BatchSeries(
        CellIndex(learn), crop_options, options.seed, options.batch, options.steps
    )
    started = saved = time.monotonic()
    earlier = state.seconds
    for batch in batches_from(series, state.step, limits.workers):
        record = train_step(options, state, batch, limits.bfloat16)
        now = time.monotonic()
        state.seconds = earlier + now - started
        if state.step % LOG_EVERY == 0:
            head = {"kind": "train", "step": state.step, "seconds": state.seconds}
            append_log(folder, head | record)
        if state.step % options.evaluate_every == 0 or state.step == options.steps:
            evaluate_average(folder, state, held_out, limits.bfloat16)
        out_of_time = now - started > limits.minutes * 60
        if now - saved > limits.save_minutes * 60 or out_of_time:
            save_state(folder / "last.pt", state)
            saved = time.monotonic()
        if out_of_time:
            print(f"time is up at step {state.step} of {options.steps}")
            return
    save_state(folder / "last.pt", state)
    save_weights(folder / FINAL_NAME, state.average, "float16")


def train(
    folder: pathlib.Path, options: TrainOptions, limits: argparse.Namespace
) -> None:
    """Starts the run of a folder, or goes on with it."""
    torch.set_num_threads(limits.threads)
    if limits.device == "cpu":
        native_ops.enable()
    state = make_state(options, torch.device(limits.device))
    last = folder / "last.pt"
    if last.exists():
        load_state(last, state)
        drop_after(folder, state.step)
    print(f"process {os.getpid()}, step {state.step} of {options.steps}", flush=True)
    run_training(folder, options, state, limits)


def run_numbers(text: str) -> tuple[int, ...]:
    return tuple(int(run) for run in text.split(",") if run)


def split_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if len(set(names)) < len(names) or not set(names) <= set(SPLITS):
        raise argparse.ArgumentTypeError(f"{text}: must be some of {','.join(SPLITS)}")
    return names


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """What a run is, but for where it starts and which runs it sees."""
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--cache", required=True, help="made by fields.py")
    parser.add_argument("--size", choices=("d0", "d1", "d2"), default="d2")
    parser.add_argument("--steps", type=int, default=3000, help="of the schedule")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop-px", type=int, default=512)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--average-limit", type=float, default=0.998)
    parser.add_argument(
        "--frozen-share", type=float, default=0.3, help="last steps: norms frozen"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate-every", type=int, default=250)


def add_limits(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("of this call, not of the run")
    limits.add_argument("--minutes", type=float, default=math.inf)
    limits.add_argument("--save-minutes", type=float, default=4.0)
    limits.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    limits.add_argument("--float32", dest="bfloat16", action="store_false")
    limits.add_argument("--threads", type=int, default=1)
    limits.add_argument("--workers", type=int, default=0)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_arguments(parser)
    parser.add_argument("--start", help="weights (.npz); default: from scratch")
    parser.add_argument(
        "--splits", type=split_names, default=SPLITS[:1], help="default: train"
    )
    for name in ("--hold-out", "--leave-out"):
        parser.add_argument(name, type=run_numbers, default=(), help="such as 15,34")
    add_limits(parser)
    return parser.parse_args()


def options_from(arguments: argparse.Namespace) -> TrainOptions:
    named = {key: getattr(arguments, key) for key in TrainOptions.__annotations__}
    return TrainOptions(**named)


def first_options(folder: pathlib.Path, wanted: TrainOptions) -> TrainOptions:
    """Those of the run's first start, which this is if there was none."""
    path = folder / "options.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(wanted), indent=1) + "\n"
        write_atomically(path, text.encode())
    saved = json.loads(path.read_text())
    lists = {k: tuple(v) for k, v in saved.items() if isinstance(v, list)}
    return TrainOptions(**saved | lists)


def main() -> None:
    arguments = parse_arguments()
    options = first_options(arguments.run, options_from(arguments))
    train(arguments.run, options, arguments)


if __name__ == "__main__":
    main()
