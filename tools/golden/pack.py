# SPDX-License-Identifier: Apache-2.0
"""Packs a folder of golden data: pack.py FOLDER ARCHIVE.tar.xz.

Graphs, arrays and JSON go in, nothing else; alike files lie side by side. The
same files give the same bytes: no times, no owners. CMake unpacks the archive
(cmake/Golden.cmake). Needs nothing but Python; tested by pack_test.py.
"""

from __future__ import annotations

import argparse
import io
import lzma
import pathlib
import sys
import tarfile
from collections.abc import Sequence

SUFFIXES = (".json", ".pb", ".pbtxt", ".npz")
# Empty; tells CMake that the archive is not cut.
LAST = "complete"
# For numbers of four bytes at multiples of four.
FILTERS = [
    {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "dict_size": 1 << 24,
        "lc": 0,
        "lp": 2,
        "pb": 2,
    }
]


def members(folder: pathlib.Path) -> list[pathlib.Path]:
    paths = [p for p in folder.rglob("*") if p.suffix in SUFFIXES and p.is_file()]
    return sorted(
        paths, key=lambda p: (SUFFIXES.index(p.suffix), p.relative_to(folder).parts)
    )


def tar_of(folder: pathlib.Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in members(folder):
            content = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        archive.addfile(tarfile.TarInfo(LAST))
    return out.getvalue()


def pack(folder: pathlib.Path) -> bytes:
    return lzma.compress(tar_of(folder), format=lzma.FORMAT_XZ, filters=FILTERS)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("archive", type=pathlib.Path)
    options = parser.parse_args(arguments)
    options.archive.write_bytes(pack(options.folder))
    print(f"{options.archive}: {options.archive.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
