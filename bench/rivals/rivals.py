#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, ONNX Runtime and ours on the same tiles, interleaved, as a table.

Each contestant is a process pinned to one core (or to two) that waits while
the others have their turn. README.md has the commands and the protocol.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import itertools
import os
import pathlib
import platform
import shlex
import sys
from typing import NamedTuple

import contestants
import isa
import table
import tiles
from cache import Cache, file_sha256
from card import read_card
from process import Contestant, Measured

WORKER = pathlib.Path(__file__).with_name("worker.py")
PACKAGES = ("openvino", "nncf", "onnxruntime", "numpy")


class Entry(NamedTuple):
    """A contestant that has not been started."""

    name: str
    cores: int
    precision: str
    ours: bool
    command: list[str]


def ours(options: argparse.Namespace, tile_file: pathlib.Path) -> list[Entry]:
    """Our programs, {tiles} in a command standing for the file of tiles."""
    given = [
        ("ours int8", 1, "int8", options.ours),
        ("ours int8", 2, "int8", options.ours_two_cores),
        ("ours fp32", 1, "fp32", options.ours_fp32),
    ]
    entries = []
    for name, cores, precision, text in given:
        if text:
            words = [w.replace("{tiles}", str(tile_file)) for w in shlex.split(text)]
            entries.append(Entry(name, cores, precision, True, words))
    return entries


def rivals(
    options: argparse.Namespace,
    models: dict[str, contestants.Model],
    tile_file: pathlib.Path,
) -> list[Entry]:
    """Each model on one core under each limit; OpenVINO on two as well."""
    entries = []
    for (name, model), limit in itertools.product(models.items(), options.max_isa):
        engine, path, precision = model
        kind = name.split("-")[1]
        title = f"{engine} {kind}" + ("" if limit == "default" else f" {limit}")
        for cores in (1, 2) if engine == "openvino" and options.two_cores else (1,):
            command = [sys.executable, str(WORKER), "--engine", engine]
            command += ["--model", str(path), "--card", str(options.card)]
            command += ["--tiles", str(tile_file), "--streams", str(cores)]
            command += ["--precision", precision, "--max-isa", limit]
            entries.append(Entry(title, cores, kind, False, command))
    return entries


def measure(
    started: list[Contestant], rounds: int, tiles_per_turn: int
) -> list[list[Measured]]:
    """Every contestant in turn, each round beginning with another one."""
    for contestant in started:
        contestant.run(2 * contestant.cores)  # warm
    turns: list[list[Measured]] = [[] for _ in started]
    for number in range(rounds):
        for step in range(len(started)):
            i = (number + step) % len(started)
            turns[i].append(started[i].run(tiles_per_turn * started[i].cores))
    return turns


def _row(entry: Entry, turns: list[Measured]) -> table.Row:
    wall = [turn.wall_seconds * 1e3 for turn in turns]
    cpu = [turn.cpu_seconds * 1e3 for turn in turns]
    return table.Row(entry.name, entry.cores, entry.precision, entry.ours, wall, cpu)


def compete(entries: list[Entry], options: argparse.Namespace) -> str:
    """Starts, measures and stops all; the table and what lies beneath it."""
    free = sorted(os.sched_getaffinity(0))
    load = {"before": os.getloadavg()[0]}
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(Contestant(e.name, e.command, set(free[: e.cores])))
            for e in entries
        ]
        about = [
            f"{e.name}, {e.cores} core(s): {c.ask('about')}"
            for e, c in zip(entries, started, strict=True)
            if not e.ours
        ]
        turns = measure(started, options.rounds, options.tiles_per_turn)
    load["after"] = os.getloadavg()[0]
    rows = [_row(e, t) for e, t in zip(entries, turns, strict=True)]
    notes = [*table.machine(load), *about]
    return table.render(rows) + "\n\n" + "\n".join(f"* {note}" for note in notes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    contestants.add_options(parser)
    parser.add_argument(
        "--max-isa",
        nargs="+",
        choices=isa.LIMITS,
        default=["default"],
        help="of the rivals; several: each rival under each limit",
    )
    parser.add_argument("--ours", metavar="COMMAND")
    parser.add_argument("--ours-two-cores", metavar="COMMAND")
    parser.add_argument("--ours-fp32", metavar="COMMAND")
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--tiles-per-turn", type=int, default=4, metavar="N")
    parser.add_argument("--tiles", type=int, default=64, metavar="N")
    parser.add_argument("--two-cores", action=argparse.BooleanOptionalAction)
    parser.set_defaults(two_cores=len(os.sched_getaffinity(0)) > 1)
    options = parser.parse_args()
    if min(options.rounds, options.tiles_per_turn, options.tiles) < 1:
        parser.error("--rounds, --tiles-per-turn and --tiles: must be at least 1")
    return options


def main() -> int:
    options = _options()
    card = read_card(options.card)
    cache = Cache(options.cache)
    fields = contestants.measured_fields(options)[: options.tiles]
    tile_file = tiles.tile_file(cache, fields, card)
    models = contestants.models(options, cache, card)
    entries = ours(options, tile_file) + rivals(options, models, tile_file)
    print(f"{card.model.name} {card.sha256}, {card.width_px} x {card.height_px} px")
    print(f"{len(fields)} distinct tiles, SHA-256 {file_sha256(tile_file)}")
    print(
        f"{options.rounds} rounds of {options.tiles_per_turn} tiles per core, "
        f"Python {platform.python_version()}, "
        + ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES)
    )
    print("\n" + compete(entries, options), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
