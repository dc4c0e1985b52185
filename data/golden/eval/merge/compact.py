#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the files here from the reference data, case by case.

    compact.py REFERENCE_FOLDER   (with CASE/input.json, CASE/expected_*.json)

Nothing is computed. Input and expected results go into one CASE.json without
spaces; an output row that is an input row, number for number, becomes the
index of the first such row; a whole number loses its ".0".
"""

import json
import pathlib
import sys


def tidy(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [tidy(item) for item in value]
    if isinstance(value, dict):
        return {key: tidy(item) for key, item in value.items()}
    return value


def dense(value) -> str:
    return json.dumps(value, separators=(",", ":"))


def main(reference: pathlib.Path) -> None:
    for folder in sorted(path.parent for path in reference.glob("*/input.json")):
        given = tidy(json.loads((folder / "input.json").read_text()))
        boxes = given["boxes"]
        case = {"norm": given["norm"], "boxes": boxes}
        if "tile_of" in given:
            case["tiles"] = len(given["tiles"])
            case["tile_of"] = given["tile_of"]
        lines = [f'"{key}":{dense(value)}' for key, value in case.items()]
        for package in ("sahi", "ensemble_boxes", "opencv"):
            expected = tidy(
                json.loads((folder / f"expected_{package}.json").read_text()))
            for result in expected["results"]:
                if "out" in result:
                    result["out"] = [boxes.index(row) if row in boxes else row
                                     for row in result["out"]]
            rows = ",\n".join(map(dense, expected["results"]))
            lines.append(f'"{package}":[\n{rows}]')
        out = pathlib.Path(__file__).with_name(f"{folder.name}.json")
        out.write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
