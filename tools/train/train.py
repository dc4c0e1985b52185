# SPDX-License-Identifier: Apache-2.0
"""Trains a detector; the same command again goes on where it stopped.

    train.py --run DIR --cache DIR --start d2_balanced_fp16.npz --minutes 60

Writes into the run folder: options.json, log.jsonl, curves.png, last.pt (all
that resuming needs), best.npz (moving average, highest mean of the group APs
on the held-out runs) and final.npz. Tested by train_test.py.
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
from batches import Batch, BatchSeries, batches_from
from checkpoint import TrainState, load_state, save_state, update_average
from crops import CellIndex, CropOptions
from curves import append_log, draw_curves, drop_after
from evaluate import evaluate
from fields import CLASS_NAMES, Field, load_cache, split_runs
from losses import detection_loss
from model import make_model
from weights import apply_weights, load_weights, save_weights

SELECTION_GROUPS = ("cell", "abnormal", "low", "high")
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
    hold_out: tuple[int, ...]
    steps: int
    batch: int
    crop_px: int
    rate: float
    average_limit: float
    seed: int
    evaluate_every: int


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


def train_step(
    options: TrainOptions, state: TrainState, batch: Batch, bfloat16: bool
) -> dict[str, float]:
    """One step; returns what the log says about it."""
    device = next(state.model.parameters()).device
    rate = learning_rate(options, state.step)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.model.train()
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


def run_training(
    folder: pathlib.Path,
    options: TrainOptions,
    state: TrainState,
    limits: argparse.Namespace,
) -> None:
    """Steps until the schedule or the minutes of this call are used up."""
    learn, held_out = split_runs(
        load_cache(pathlib.Path(options.cache), "train"), set(options.hold_out)
    )
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
    save_weights(folder / "final.npz", state.average, "float16")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--cache", required=True, help="made by fields.py")
    parser.add_argument("--size", choices=("d0", "d1", "d2"), default="d2")
    parser.add_argument("--start", help="weights (.npz); default: from scratch")
    parser.add_argument("--hold-out", default="", help="runs, such as 15,34")
    parser.add_argument("--steps", type=int, default=3000, help="of the schedule")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop-px", type=int, default=512)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--average-limit", type=float, default=0.998)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate-every", type=int, default=250)
    limits = parser.add_argument_group("of this call, not of the run")
    limits.add_argument("--minutes", type=float, default=math.inf)
    limits.add_argument("--save-minutes", type=float, default=4.0)
    limits.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    limits.add_argument("--float32", dest="bfloat16", action="store_false")
    limits.add_argument("--threads", type=int, default=1)
    limits.add_argument("--workers", type=int, default=0)
    return parser.parse_args()


def options_of(arguments: argparse.Namespace) -> TrainOptions:
    """Those of the run's first start, if there was one."""
    path = arguments.run / "options.json"
    if path.exists():
        saved = json.loads(path.read_text())
        return TrainOptions(**saved | {"hold_out": tuple(saved["hold_out"])})
    runs = [int(run) for run in arguments.hold_out.split(",") if run]
    named = {key: getattr(arguments, key) for key in TrainOptions.__annotations__}
    options = TrainOptions(**named | {"hold_out": tuple(runs)})
    path.write_text(json.dumps(asdict(options), indent=1) + "\n")
    return options


def main() -> None:
    arguments = parse_arguments()
    arguments.run.mkdir(parents=True, exist_ok=True)
    options = options_of(arguments)
    torch.set_num_threads(arguments.threads)
    if arguments.device == "cpu":
        native_ops.enable()
    state = make_state(options, torch.device(arguments.device))
    last = arguments.run / "last.pt"
    if last.exists():
        load_state(last, state)
        drop_after(arguments.run, state.step)
    print(f"process {os.getpid()}, step {state.step} of {options.steps}", flush=True)
    run_training(arguments.run, options, state, arguments)


if __name__ == "__main__":
    main()
