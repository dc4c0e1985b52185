# SPDX-License-Identifier: Apache-2.0
"""Tiny serving graphs: uint8 images in, detections out, NMS baked in.

A three-level detector of a few channels behind the preprocessing and in front
of the post-processing that an exported EfficientDet holds, with its names.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from golden_graph import Built, Recipe, Weights

Tensor = tf.Tensor
v1 = tf.compat.v1

SIZE = (64, 64)
LEVELS = (3, 4, 5)
CLASSES = 3
CHANNELS = 8
OCTAVES = 3
ASPECTS = (1.0, 2.0, 0.5)
ANCHOR_SCALE = 2.0
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


@dataclasses.dataclass(frozen=True)
class Serving:
    """What differs between the serving graphs."""

    image: tuple[int, int] = (50, 40)
    batch: int = 1
    half_pixel: bool = True
    sigma: float = 0.0
    iou: float = 0.5
    score: float = 0.3
    boxes: int = 20
    top: int = 0
    size: tuple[int, int] = SIZE


Kept = tuple[Tensor, Tensor, Tensor]
Nms = Callable[[Tensor, Tensor, Serving], Kept]


def random_images(count: int, size: Sequence[int]) -> np.ndarray:
    """Coarse coloured squares with fine noise."""
    rng = np.random.default_rng(20260102)
    coarse = rng.integers(0, 220, (count, size[0] // 8 + 1, size[1] // 8 + 1, 3))
    wide = coarse.repeat(8, 1).repeat(8, 2)[:, : size[0], : size[1]]
    return (wide + rng.integers(0, 36, wide.shape)).astype(np.uint8)


def _preprocess(image: Tensor, options: Serving) -> tuple[Tensor, Tensor]:
    """Normalise, resize with kept ratio, pad with 0; also the box scale."""
    x = tf.cast(image, tf.float32)
    x = x - tf.constant(MEAN, shape=(1, 1, 3))
    x = x / tf.constant(STD, shape=(1, 1, 3))
    height, width = (tf.cast(tf.shape(x)[axis], tf.float32) for axis in (0, 1))
    scale = tf.minimum(options.size[1] / width, options.size[0] / height)
    size = tf.stack([tf.cast(side * scale, tf.int32) for side in (height, width)])
    resized = tf.raw_ops.ResizeBilinear(
        images=tf.expand_dims(x, 0),
        size=size,
        half_pixel_centers=options.half_pixel,
    )
    return _pad(resized, options.size), 1.0 / scale


def _pad(image: Tensor, size: Sequence[int]) -> Tensor:
    shape = tf.shape(image)
    after = [size[0] - shape[1], size[1] - shape[2]]
    paddings = tf.reshape(tf.stack([0, 0, 0, after[0], 0, after[1], 0, 0]), [4, 2])
    padded = tf.squeeze(tf.pad(image, paddings), [0])
    return tf.ensure_shape(padded, [*size, 3])


def _conv(weights: Weights, x: Tensor, channels: int, name: str) -> Tensor:
    kernel = weights.kernel(f"{name}/kernel", (3, 3, int(x.shape[-1]), channels))
    bias = weights.normal(f"{name}/bias", [channels], 0.5)
    stride = 2 if name.startswith("down") else 1
    y = tf.nn.conv2d(x, kernel, stride, "SAME", name=f"{name}/Conv2D")
    return tf.nn.bias_add(y, bias, name=f"{name}/BiasAdd")


def _features(weights: Weights, x: Tensor) -> list[Tensor]:
    """One map per level, each half the size of the one before."""
    maps = []
    for level in range(1, LEVELS[-1] + 1):
        x = tf.nn.relu6(_conv(weights, x, CHANNELS, f"down_{level}"))
        if level in LEVELS:
            maps.append(x)
    return maps


def _head(
    weights: Weights, maps: Sequence[Tensor], channels: int, scope: str, layer: str
) -> list[Tensor]:
    """One kernel for all levels; the first level has the name without suffix."""
    kernel = weights.kernel(f"{scope}/{layer}/kernel", (3, 3, CHANNELS, channels))
    bias = weights.normal(f"{scope}/{layer}/bias", [channels], 0.4)
    outputs = []
    for index, x in enumerate(maps):
        name = f"{scope}/{layer}" + (f"_{index}" if index else "")
        y = tf.nn.conv2d(x, kernel, 1, "SAME", name=f"{name}/Conv2D")
        outputs.append(tf.nn.bias_add(y, bias, name=f"{name}/BiasAdd"))
    return outputs


def anchors(size: Sequence[int] = SIZE) -> np.ndarray:
    """All anchors [ymin, xmin, ymax, xmax]; by level, y, x, octave, aspect."""
    rows = []
    for level in LEVELS:
        cells = [-(-side // 2**level) for side in size]
        strides = [side / cell for side, cell in zip(size, cells, strict=True)]
        for y in range(cells[0]):
            for x in range(cells[1]):
                centre = [(y + 0.5) * strides[0], (x + 0.5) * strides[1]]
                rows += [
                    _anchor(centre, strides, o, a)
                    for o in range(OCTAVES)
                    for a in ASPECTS
                ]
    return np.asarray(rows, np.float32)


def _anchor(
    centre: Sequence[float], strides: Sequence[float], octave: int, aspect: float
) -> list[float]:
    base = ANCHOR_SCALE * 2 ** (octave / OCTAVES)
    half_h = base * strides[0] / np.sqrt(aspect) / 2
    half_w = base * strides[1] * np.sqrt(aspect) / 2
    y, x = centre
    return [y - half_h, x - half_w, y + half_h, x + half_w]


def _decode(codes: Tensor, boxes: Tensor) -> Tensor:
    height = boxes[..., 2] - boxes[..., 0]
    width = boxes[..., 3] - boxes[..., 1]
    ty, tx, th, tw = tf.unstack(codes, axis=-1)
    y = ty * height + (boxes[..., 0] + boxes[..., 2]) / 2
    x = tx * width + (boxes[..., 1] + boxes[..., 3]) / 2
    half_h = tf.exp(th) * height / 2
    half_w = tf.exp(tw) * width / 2
    return tf.stack([y - half_h, x - half_w, y + half_h, x + half_w], axis=-1)


def _candidates(
    logits: Tensor, codes: Tensor, options: Serving
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, scores and classes of every anchor, or of the best anchor x class."""
    table = tf.constant(anchors(options.size))
    if not options.top:
        classes = tf.argmax(logits, axis=-1, output_type=tf.int32)
        return _decode(codes, table), tf.sigmoid(tf.reduce_max(logits, -1)), classes
    flat = tf.reshape(logits, [options.batch, -1])
    best, index = tf.math.top_k(flat, options.top, sorted=False)
    anchor = index // CLASSES
    chosen = tf.gather(codes, anchor, batch_dims=1)
    boxes = _decode(chosen, tf.gather(table, anchor))
    return boxes, tf.sigmoid(best), index % CLASSES


def _suppress(
    boxes: Tensor, scores: Tensor, options: Serving, padded: bool
) -> tuple[Tensor, Tensor]:
    """Indices and scores of the kept boxes."""
    index, kept, _ = tf.raw_ops.NonMaxSuppressionV5(
        boxes=boxes,
        scores=scores,
        max_output_size=options.boxes,
        iou_threshold=1.0 if options.sigma else options.iou,
        score_threshold=options.score,
        soft_nms_sigma=options.sigma / 2,
        pad_to_max_output_size=padded,
    )
    return index, kept


def _labels(classes: Tensor, index: Tensor) -> Tensor:
    return tf.cast(tf.gather(classes, index) + 1, tf.float32)


def _clip(boxes: Tensor, options: Serving) -> Tensor:
    limit = tf.constant([*options.size, *options.size], tf.float32)
    return tf.clip_by_value(boxes, 0.0, limit)


def _for_each_image(
    suppress: Callable[[Tensor, Tensor, Tensor, Serving], Kept],
    logits: Tensor,
    codes: Tensor,
    options: Serving,
) -> Kept:
    candidates = _candidates(logits, codes, options)
    images = range(options.batch)
    rows = [suppress(*(part[i] for part in candidates), options) for i in images]
    boxes, scores, labels = (tf.stack(part) for part in zip(*rows, strict=True))
    return boxes, scores, labels


def _all_classes_at_once(
    boxes: Tensor, scores: Tensor, classes: Tensor, options: Serving
) -> Kept:
    index, kept = _suppress(boxes, scores, options, padded=True)
    return tf.gather(boxes, index), kept, _labels(classes, index)


def _class_by_class(
    boxes: Tensor, scores: Tensor, classes: Tensor, options: Serving
) -> Kept:
    """NMS within each class, then the best of all; empty rows are zeros."""
    kept = []
    for label in range(CLASSES):
        rows = tf.where(tf.equal(classes, label))
        of_class = [tf.gather_nd(part, rows) for part in (boxes, scores, classes)]
        index, best = _suppress(of_class[0], of_class[1], options, padded=False)
        kept.append((tf.gather(of_class[0], index), best, _labels(of_class[2], index)))
    joined = [tf.concat(part, 0) for part in zip(*kept, strict=True)]
    spare = [[0, options.boxes]]
    boxes = tf.pad(joined[0], [*spare, [0, 0]])
    scores, labels = (tf.pad(part, spare) for part in joined[1:])
    top = tf.math.top_k(scores, options.boxes, sorted=True).indices
    return tf.gather(boxes, top), tf.gather(scores, top), tf.gather(labels, top)


def global_nms(logits: Tensor, codes: Tensor, options: Serving) -> Kept:
    kept = _for_each_image(_all_classes_at_once, logits, codes, options)
    return _clip(kept[0], options), kept[1], kept[2]


def per_class_nms(logits: Tensor, codes: Tensor, options: Serving) -> Kept:
    """Its boxes are not clipped to the image."""
    return _for_each_image(_class_by_class, logits, codes, options)


def combined_nms(logits: Tensor, codes: Tensor, options: Serving) -> Kept:
    boxes = _decode(codes, tf.constant(anchors(options.size)))
    kept, scores, classes, _ = tf.raw_ops.CombinedNonMaxSuppression(
        boxes=tf.expand_dims(boxes, 2),
        scores=tf.sigmoid(logits),
        max_output_size_per_class=options.boxes,
        max_total_size=options.boxes,
        iou_threshold=options.iou,
        score_threshold=options.score,
        clip_boxes=False,
    )
    return _clip(kept, options), scores, classes + 1


def _detections(
    logits: Tensor, codes: Tensor, scales: Tensor, nms: Nms, options: Serving
) -> Tensor:
    """Rows of image id, ymin, xmin, ymax, xmax, score, class from 1."""
    boxes, scores, labels = nms(logits, codes, options)
    boxes = boxes * tf.reshape(scales, [-1, 1, 1])
    ids = tf.cast(tf.range(options.batch), tf.float32)[:, None] * tf.ones_like(scores)
    columns = [ids, *(boxes[:, :, k] for k in range(4)), scores, labels]
    return tf.stack(columns, axis=-1, name="detections")


def serving_graph(nms: Nms, options: Serving, weights: Weights) -> Built:
    shape = [options.batch, None, None, 3]
    images = v1.placeholder(tf.uint8, shape, name="image_arrays")
    pairs = [_preprocess(images[i], options) for i in range(options.batch)]
    x = tf.stack([pair[0] for pair in pairs], name="stack")
    scales = tf.stack([pair[1] for pair in pairs], name="stack_1")
    maps = _features(weights, x)
    per_cell = OCTAVES * len(ASPECTS)
    logits = _head(weights, maps, per_cell * CLASSES, "class_net", "class-predict")
    codes = _head(weights, maps, per_cell * 4, "box_net", "box-predict")
    count = options.batch
    flat_logits = [tf.reshape(t, [count, -1, CLASSES]) for t in logits]
    flat_codes = [tf.reshape(t, [count, -1, 4]) for t in codes]
    all_logits = tf.concat(flat_logits, 1, name="concat")
    all_codes = tf.concat(flat_codes, 1, name="concat_1")
    detections = _detections(all_logits, all_codes, scales, nms, options)
    feeds = {"image_arrays:0": random_images(count, options.image)}
    raw_heads = [t.name for t in (*logits, *codes)]
    return Built(feeds, [x.name, scales.name, *raw_heads, detections.name])


def recipes() -> list[Recipe]:
    kinds = {
        "serving_hard": (
            Serving(score=0.85, boxes=100),
            "hard NMS at 0.5, score 0.85, rows left empty, image smaller",
        ),
        "serving_gaussian": (
            Serving(sigma=0.5, score=0.001, image=(90, 130), boxes=30),
            "soft NMS, image larger than the input",
        ),
        "serving_top": (
            Serving(top=60, iou=0.4, score=0.1, boxes=15),
            "the best 60 of anchor x class before hard NMS",
        ),
        "serving_legacy_resize": (
            Serving(half_pixel=False, image=(37, 61)),
            "ResizeBilinear without half-pixel centres",
        ),
        "serving_batch": (Serving(batch=2, sigma=0.3), "two images"),
        "serving_not_square": (Serving(size=(48, 80)), "input 48 x 80"),
    }
    recipes = [
        Recipe(name, what, functools.partial(serving_graph, global_nms, options))
        for name, (options, what) in kinds.items()
    ]
    for name, nms, score, what in (
        ("serving_per_class", per_class_nms, 0.8, "NMS within each class, no clip"),
        ("serving_combined", combined_nms, 0.7, "CombinedNonMaxSuppression"),
    ):
        options = Serving(batch=2, score=score, boxes=60, image=(50, 70))
        build = functools.partial(serving_graph, nms, options)
        recipes.append(Recipe(name, what, build))
    return recipes
