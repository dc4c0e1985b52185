# SPDX-License-Identifier: Apache-2.0
"""Replaces the part of a document that stands between two markers.

    card_sections.py DOCUMENT SECTION FILE

puts FILE's text between <!-- begin SECTION --> and <!-- end SECTION -->, each
on a line of its own; all else stays as it is. Tested by card_sections_test.py.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterable

from atomic_file import write_atomically


def _only_line(lines: list[str], marker: str) -> int:
    places = [i for i, line in enumerate(lines) if line.strip() == marker]
    if len(places) != 1:
        raise ValueError(f"{marker}: stands {len(places)} times, must stand once")
    return places[0]


def _lines_of(lines: list[str], section: str) -> tuple[int, int]:
    begin = _only_line(lines, f"<!-- begin {section} -->")
    end = _only_line(lines, f"<!-- end {section} -->")
    if end < begin:
        raise ValueError(f"section {section}: ends before it begins")
    return begin, end


def replaced(text: str, section: str, body: str) -> str:
    """text with body as the section; ValueError if a marker is not there once."""
    lines = text.split("\n")
    begin, end = _lines_of(lines, section)
    if "<!-- begin " in body or "<!-- end " in body:
        raise ValueError(f"section {section}: its text holds a marker")
    inside = body.strip("\n").split("\n")
    return "\n".join([*lines[: begin + 1], *inside, *lines[end:]])


def check_sections(document: pathlib.Path, sections: Iterable[str]) -> None:
    """ValueError unless the document has each of them."""
    lines = document.read_text(encoding="utf-8").split("\n")
    try:
        for section in sections:
            _lines_of(lines, section)
    except ValueError as error:
        raise ValueError(f"{document}: {error}") from None


def replace_sections(document: pathlib.Path, bodies: dict[str, str]) -> None:
    """Replaces each section, or none: an error leaves the document alone."""
    text = document.read_text(encoding="utf-8")
    try:
        for section, body in bodies.items():
            text = replaced(text, section, body)
    except ValueError as error:
        raise ValueError(f"{document}: {error}") from None
    write_atomically(document, text.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", type=pathlib.Path)
    parser.add_argument("section")
    parser.add_argument("file", type=pathlib.Path)
    arguments = parser.parse_args()
    body = arguments.file.read_text(encoding="utf-8")
    replace_sections(arguments.document, {arguments.section: body})


if __name__ == "__main__":
    main()
