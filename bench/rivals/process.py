# SPDX-License-Identifier: Apache-2.0
"""A contestant that lives for the whole run: `run N` in, seconds per tile out.

Pinned to its cores; its processor time comes from the kernel, so the protocol
need not carry it. README.md has the protocol.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import pathlib
import subprocess
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Measured:
    """One turn, per tile."""

    wall_seconds: float
    cpu_seconds: float


def parse_seconds(line: str) -> float:
    """The answer to `run N`; ValueError unless it is a positive number."""
    seconds = float(line)
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"{line.strip()}: must be positive seconds per tile")
    return seconds


def cpu_seconds(tasks: pathlib.Path) -> float:
    """Processor time of the threads under /proc/PID/task, in seconds."""
    total = 0
    for task in tasks.iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
    return total * 1e-9


class Contestant:
    """A started process; close it with `with`."""

    def __init__(self, name: str, command: Sequence[str], cores: set[int]) -> None:
        self.name = name
        self.cores = len(cores)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def __enter__(self) -> Contestant:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def ask(self, request: str) -> str:
        """One line to the process, one line back; RuntimeError if it ended."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"{self.name}: ended, asked for '{request}'")
        return answer.strip()

    def run(self, tiles: int) -> Measured:
        """The next tiles of its endless list."""
        tasks = pathlib.Path(f"/proc/{self._process.pid}/task")
        before = cpu_seconds(tasks)
        answer = self.ask(f"run {tiles}")
        after = cpu_seconds(tasks)
        try:
            wall = parse_seconds(answer)
        except ValueError as error:
            raise RuntimeError(f"{self.name}: {error}") from error
        return Measured(wall, (after - before) / tiles)
