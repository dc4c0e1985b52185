#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/soup.py: python3 tools/soup_test.py."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import soup  # noqa: E402


def entry_text(**changes: str) -> str:
    entry = dict.fromkeys(soup.KEYS, "x")
    entry.update(source="x 1", sha256="0" * 64, risk="low")
    entry.update(changes)
    lines = [f'{key}: "{value}"' for key, value in entry.items()]
    return "- " + "\n  ".join(lines) + "\n"


class ParseTest(unittest.TestCase):
    def test_reads_entries_in_order(self) -> None:
        text = "# c\n" + entry_text(name="a") + "\n" + entry_text(name="b")
        self.assertEqual([e["name"] for e in soup.parse(text)], ["a", "b"])

    def assert_refused(self, text: str, message: str) -> None:
        with self.assertRaises(soup.SoupError) as caught:
            soup.parse(text)
        self.assertEqual(str(caught.exception), message)

    def test_refuses_other_yaml(self) -> None:
        self.assert_refused("- name: x\n", 'line 1: must be key: "value"')

    def test_refuses_unknown_and_repeated_keys(self) -> None:
        message = "line 2: key {}: unknown or repeated"
        self.assert_refused(
            '- name: "a"\n  name: "b"\n', message.format("name")
        )
        self.assert_refused(
            '- name: "a"\n  colour: "b"\n', message.format("colour")
        )

    def test_refuses_missing_keys_and_bad_values(self) -> None:
        without = entry_text(name="a").replace('  risk: "low"\n', "")
        self.assert_refused(without, "a: missing risk")
        self.assert_refused(
            entry_text(name="a", sha256="12"),
            "a: sha256: must be 64 hex digits",
        )
        self.assert_refused(
            entry_text(name="a", risk="none"),
            "a: risk: must be low, medium or high",
        )


class OutputTest(unittest.TestCase):
    def test_sbom_names_every_entry_and_its_relation(self) -> None:
        text = entry_text(name="a b") + entry_text(name="t", need="tests only")
        document = json.loads(soup.sbom(soup.parse(text), "1.2.3", text))
        ids = [package["SPDXID"] for package in document["packages"]]
        self.assertEqual(ids, ["SPDXRef-cyto8", "SPDXRef-a-b", "SPDXRef-t"])
        kinds = [r["relationshipType"] for r in document["relationships"]]
        self.assertEqual(
            kinds, ["DESCRIBES", "DEPENDS_ON", "TEST_DEPENDENCY_OF"]
        )

    def test_files_of_the_repository_are_up_to_date(self) -> None:
        text = (soup.ROOT / "docs/soup.yaml").read_text()
        entries = soup.parse(text)
        self.assertEqual(
            (soup.ROOT / "docs/soup.md").read_text(), soup.markdown(entries)
        )
        self.assertEqual(
            (soup.ROOT / "sbom.spdx.json").read_text(),
            soup.sbom(entries, soup.project_version(), text),
        )


if __name__ == "__main__":
    unittest.main()
