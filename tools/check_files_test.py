#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/check_files.py: python3 tools/check_files_test.py."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from check_files import file_faults  # noqa: E402


class FileFaultsTest(unittest.TestCase):
    def test_accepts_a_clean_file(self) -> None:
        self.assertEqual(file_faults("base/a.cc", b"int a;\n"), [])

    def test_limits_the_size_by_folder(self) -> None:
        too_big = "200001 bytes: must be at most 200000"
        self.assertEqual(file_faults("tests/a.npy", b"x" * 200_001), [too_big])
        self.assertEqual(file_faults("tests/a.npy", b"x" * 200_000), [])
        self.assertEqual(file_faults("data/a.npy", b"x" * 200_001), [])
        self.assertEqual(
            file_faults("tests/fuzz/corpus/a/b", b"x" * 15_001),
            ["15001 bytes: must be at most 15000"],
        )

    def test_refuses_untidy_text(self) -> None:
        self.assertEqual(
            file_faults("a.md", b"a \nb\r\nc"),
            [
                "a carriage return",
                "space at the end of a line",
                "no newline at the end",
            ],
        )
        self.assertEqual(file_faults("a.png", b"a \nb\r\nc"), [])

    def test_refuses_broken_json_and_keys(self) -> None:
        self.assertTrue(file_faults("a.json", b"{\n")[0].startswith("not JSON"))
        key = b"-----BEGIN RSA " + b"PRIVATE KEY-----"
        self.assertEqual(file_faults("a.pem", key), ["a private key"])


if __name__ == "__main__":
    unittest.main()
