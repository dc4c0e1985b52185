# SPDX-License-Identifier: Apache-2.0
"""What the rivals need of a model card (docs/formats.md, section 4)."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from typing import Any

LEVELS = range(3, 8)
INPUT = "input:0"  # the normalised image, NHWC float32
OUTPUTS = {
    f"{head}_{level}": f"{head}_net/{head}-predict{suffix}/BiasAdd:0"
    for head in ("class", "box")
    for level, suffix in zip(LEVELS, ("", "_1", "_2", "_3", "_4"), strict=True)
}


@dataclasses.dataclass(frozen=True)
class Card:
    """Input convention, anchors and classes of one EfficientDet."""

    model: pathlib.Path
    sha256: str
    width_px: int
    height_px: int
    mpp: float
    pad_rgb: tuple[float, ...]
    mean_rgb: tuple[float, ...]
    stddev_rgb: tuple[float, ...]
    num_scales: int
    aspect_ratios: tuple[float, ...]
    anchor_scale: float
    class_ids: dict[str, int]  # by name, in the order of the logits
    groups: dict[str, tuple[str, ...]]

    @staticmethod
    def from_dict(card: dict[str, Any], folder: pathlib.Path) -> Card:
        """The card as YAML gives it; KeyError or ValueError if it misfits."""
        image, anchors = card["input"], card["anchors"]
        if (anchors["min_level"], anchors["max_level"]) != (3, 7):
            raise ValueError("anchors: levels must be 3 to 7")
        if anchors["ratio_convention"] != "sqrt":
            raise ValueError("anchors.ratio_convention: must be sqrt")
        return Card(
            model=folder / card["model"],
            sha256=card["sha256"],
            width_px=image["width_px"],
            height_px=image["height_px"],
            mpp=image["mpp"],
            pad_rgb=tuple(image["pad_rgb"]),
            mean_rgb=tuple(image["mean_rgb"]),
            stddev_rgb=tuple(image["stddev_rgb"]),
            num_scales=anchors["num_scales"],
            aspect_ratios=tuple(anchors["aspect_ratios"]),
            anchor_scale=anchors["anchor_scale"],
            class_ids={entry["name"]: entry["id"] for entry in card["classes"]},
            groups={name: tuple(of) for name, of in card["groups"].items()},
        )


def read_card(path: pathlib.Path) -> Card:
    """Reads a card and checks that its model is the one it names."""
    import yaml

    card = Card.from_dict(yaml.safe_load(path.read_text()), path.parent)
    found = hashlib.sha256(card.model.read_bytes()).hexdigest()
    if found != card.sha256:
        raise ValueError(f"{card.model}: SHA-256 is {found}, not {card.sha256}")
    return card
