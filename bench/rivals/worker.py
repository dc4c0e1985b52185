# SPDX-License-Identifier: Apache-2.0
"""One contestant in a process of its own; rivals.py starts it.

Speaks the protocol of README.md: `run N` on standard input, seconds per tile on
standard output. `about` is its own: a line of text for the table.
"""

from __future__ import annotations

import argparse
import itertools
import os
import pathlib
import sys
from typing import TextIO

import isa


def serve(options: argparse.Namespace, requests: TextIO, answers: TextIO) -> None:
    isa.limit(options.max_isa)
    import engines  # after the limit
    import tiles
    from card import read_card

    card = read_card(options.card)
    pixels = tiles.read_tiles(options.tiles, card)
    precision = isa.precision(options.precision, options.max_isa)
    model = options.engine, options.model, options.streams, precision
    engine = engines.create(*model)
    turn = itertools.cycle(range(len(pixels)))
    for line in requests:
        if line.strip() == "about":
            amx = "AMX" if isa.amx_granted() else "no AMX"
            print(f"{engine.about()}; {amx}", file=answers, flush=True)
            continue
        chosen = itertools.islice(turn, int(line.removeprefix("run ")))
        images = [tiles.normalised(pixels[i], card) for i in chosen]
        seconds = engine.seconds(images) / len(images)
        print(f"{seconds:.9f}", file=answers, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("openvino", "onnxruntime"), required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--card", type=pathlib.Path, required=True)
    parser.add_argument("--tiles", type=pathlib.Path, required=True)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--precision", default="default")
    parser.add_argument("--max-isa", choices=isa.LIMITS, default="default")
    return parser.parse_args()


if __name__ == "__main__":
    # Libraries print where they like: keep the answers apart from that.
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(_options(), sys.stdin, reply)
