# SPDX-License-Identifier: Apache-2.0
"""Tests of pack.py: python -m unittest discover -s tools/golden -p pack_test.py"""

from __future__ import annotations

import io
import pathlib
import tarfile
import tempfile
import unittest

import pack

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "data" / "golden"


class PackTest(unittest.TestCase):
    def test_only_data_alike_files_together_without_time_and_owner(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "sub").mkdir()
            for file in ("b.pb", "a.npz", "sub/c.json", "a.pb", "README.md"):
                (folder / file).write_text(file)
            archive = tarfile.open(fileobj=io.BytesIO(pack.pack(folder)), mode="r:xz")
            entries = archive.getmembers()
            self.assertEqual(
                [entry.name for entry in entries],
                ["sub/c.json", "a.pb", "b.pb", "a.npz", "complete"],
            )
            self.assertEqual(entries.pop().size, 0)
            for entry in entries:
                self.assertEqual((entry.mtime, entry.uid, entry.gid), (0, 0, 0))
                self.assertEqual(entry.uname + entry.gname, "")
                self.assertEqual(archive.extractfile(entry).read().decode(), entry.name)

    def test_what_lies_packed_is_packed_so(self) -> None:
        for name in ("efficientdet", "eval", "graphs"):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                path = GOLDEN / name / f"{name}.tar.xz"
                with tarfile.open(path) as archive:
                    archive.extractall(folder)
                    packed = pack.tar_of(pathlib.Path(folder))
                    archive.fileobj.seek(0)
                    self.assertEqual(archive.fileobj.read(), packed)


if __name__ == "__main__":
    unittest.main()
