#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules that every file of the repository keeps; the hook of pre-commit.

    tools/check_files.py FILE...
    git ls-files -z | xargs -0 tools/check_files.py

Size (15 KB for a malformed case in tests/fuzz/corpus, 200 KB otherwise, data/
excepted), whitespace, JSON that parses, no private key. What belongs to C++
sources is checked by tests/layering. Needs nothing but Python.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys

TEXT = {".h", ".cc", ".cmake", ".txt", ".md", ".py", ".sh", ".yaml", ".json"}
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def size_limit(path: str) -> int | None:
    if path.startswith("data/"):
        return None
    return 15_000 if path.startswith("tests/fuzz/corpus/") else 200_000


def text_faults(text: bytes) -> list[str]:
    faults = []
    if b"\r" in text:
        faults.append("a carriage return")
    if re.search(rb"[ \t]+$", text, re.MULTILINE):
        faults.append("space at the end of a line")
    if text and not text.endswith(b"\n"):
        faults.append("no newline at the end")
    return faults


def file_faults(path: str, content: bytes) -> list[str]:
    """What is wrong with one file; path is relative to the repository."""
    faults = []
    limit = size_limit(path)
    if limit is not None and len(content) > limit:
        faults.append(f"{len(content)} bytes: must be at most {limit}")
    if PRIVATE_KEY.search(content):
        faults.append("a private key")
    if pathlib.PurePath(path).suffix in TEXT and not path.startswith("data/"):
        faults += text_faults(content)
    if path.endswith(".json"):
        try:
            json.loads(content)
        except ValueError as error:
            faults.append(f"not JSON: {error}")
    return faults


def main(paths: list[str]) -> int:
    failed = False
    for path in paths:
        for fault in file_faults(path, pathlib.Path(path).read_bytes()):
            print(f"{path}: {fault}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
