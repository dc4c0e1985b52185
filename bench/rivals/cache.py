# SPDX-License-Identifier: Apache-2.0
"""Files that are made once: their names hold a checksum of what made them."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Any


def file_sha256(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(inputs: dict[str, Any]) -> str:
    """16 hex digits that stand for everything in inputs."""
    text = json.dumps(inputs, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Cache:
    """A folder of folders NAME-KEY, each complete or not there at all."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(
        self,
        name: str,
        inputs: dict[str, Any],
        make: Callable[[pathlib.Path], None],
    ) -> pathlib.Path:
        """The folder for these inputs; make fills it if it is not there."""
        target = self._folder / f"{name}-{key_of(inputs)}"
        if target.is_dir():
            return target
        print(f"making {target.name}", file=sys.stderr)
        draft = pathlib.Path(tempfile.mkdtemp(prefix="draft-", dir=self._folder))
        try:
            make(draft)
            (draft / "inputs.json").write_text(json.dumps(inputs, indent=1) + "\n")
            os.replace(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return target
