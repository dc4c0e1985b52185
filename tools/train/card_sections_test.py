# SPDX-License-Identifier: Apache-2.0
"""Sections are replaced, everything else stays, and faults are named."""

from __future__ import annotations

import pathlib
import tempfile
import unittest

from card_sections import check_sections, replace_sections, replaced

DOCUMENT = """\
# Title
<!-- begin one -->
old
<!-- end one -->
between
<!-- begin one-two -->
<!-- end one-two -->
tail
"""


class CardSectionsTest(unittest.TestCase):
    def test_only_the_section_changes(self) -> None:
        expected = DOCUMENT.replace("old\n", "new\n\nlines\n")
        self.assertEqual(replaced(DOCUMENT, "one", "\nnew\n\nlines\n\n"), expected)

    def test_again_gives_the_same(self) -> None:
        once = replaced(DOCUMENT, "one-two", "text")
        self.assertIn("begin one-two -->\ntext\n<!-- end one-two", once)
        self.assertEqual(replaced(once, "one-two", "text"), once)

    def test_marker_must_stand_once(self) -> None:
        with self.assertRaisesRegex(ValueError, "begin two -->: stands 0 times"):
            replaced(DOCUMENT, "two", "")
        with self.assertRaisesRegex(ValueError, "end one -->: stands 2 times"):
            replaced(DOCUMENT + "<!-- end one -->\n", "one", "")

    def test_order_and_text_are_checked(self) -> None:
        swapped = "<!-- end a -->\n<!-- begin a -->"
        with self.assertRaisesRegex(ValueError, "section a: ends before it begins"):
            replaced(swapped, "a", "")
        with self.assertRaisesRegex(ValueError, "section one: .* a marker"):
            replaced(DOCUMENT, "one", "<!-- end one -->")

    def test_a_fault_leaves_the_document_alone(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "card.md"
            path.write_text(DOCUMENT)
            with self.assertRaisesRegex(ValueError, "card.md: .*begin two"):
                replace_sections(path, {"one": "new", "two": "new"})
            self.assertEqual(path.read_text(), DOCUMENT)
            replace_sections(path, {"one": "new", "one-two": "newer"})
            self.assertIn("new\n<!-- end one -->", path.read_text())
            self.assertIn("newer\n<!-- end one-two -->", path.read_text())

    def test_sections_can_be_checked_before_the_work(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "card.md"
            path.write_text(DOCUMENT)
            check_sections(path, ["one", "one-two"])
            with self.assertRaisesRegex(ValueError, "card.md: .*begin two"):
                check_sections(path, ["one", "two"])


if __name__ == "__main__":
    unittest.main()
