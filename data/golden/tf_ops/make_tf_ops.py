# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow's own operators give on small inputs.

Made with TensorFlow 2.15.1 on a CPU:
    TF_ENABLE_ONEDNN_OPTS=0 python make_tf_ops.py
Read by tests/detector/efficientdet/{preprocessor,non_max_suppression}_test.cc.
"""

import numpy as np
import tensorflow as tf

MEAN = np.array([123.675, 116.28, 103.53], np.float32)
DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
SAMPLINGS = {"half": (False, True), "legacy": (False, False), "align": (True, False)}
TARGETS = {"up": (40, 48), "down": (9, 11), "wide": (16, 64)}


def prepare(image, target, sampling):
    """Normalise, resize with kept ratio, pad: as inference.image_preprocess."""
    align_corners, half_pixel = SAMPLINGS[sampling]
    x = tf.cast(image, tf.float32)
    x = (x - MEAN) / DEVIATION
    height, width = np.float32(image.shape[0]), np.float32(image.shape[1])
    scale = min(np.float32(target[1]) / width, np.float32(target[0]) / height)
    size = [int(height * scale), int(width * scale)]
    x = tf.raw_ops.ResizeBilinear(
        images=x[None], size=size, align_corners=align_corners, half_pixel_centers=half_pixel
    )[0]
    return tf.image.pad_to_bounding_box(x, 0, 0, *target).numpy(), np.float32(1) / scale


def main():
    random = np.random.default_rng(20260)
    arrays = {"image": random.integers(0, 256, (23, 31, 3)).astype(np.uint8)}
    for target_name, target in TARGETS.items():
        for sampling in SAMPLINGS:
            result, scale = prepare(arrays["image"], target, sampling)
            arrays[f"input_{sampling}_{target_name}"] = result
            arrays[f"scale_{target_name}"] = np.array([scale], np.float32)

    corner = random.uniform(0, 80, (300, 2))
    boxes = np.concatenate([corner, corner + random.uniform(5, 40, (300, 2))], 1).astype(np.float32)
    scores = (np.round(random.uniform(0, 1, 300) * 64) / 64).astype(np.float32)  # with ties
    arrays["boxes"], arrays["scores"] = boxes, scores
    for name, iou, threshold, sigma, limit in [
        ("hard", 0.5, 0.1, 0.0, 100),
        ("loose", 0.7, float("-inf"), 0.0, 300),
        ("soft", 1.0, 0.001, 0.25, 300),
        ("soft_cut", 1.0, 0.3, 0.25, 20),
    ]:
        index, kept, count = tf.raw_ops.NonMaxSuppressionV5(
            boxes=boxes,
            scores=scores,
            max_output_size=limit,
            iou_threshold=iou,
            score_threshold=threshold,
            soft_nms_sigma=sigma,
        )
        arrays[f"{name}_index"] = index.numpy()[: count.numpy()].astype(np.int32)
        arrays[f"{name}_score"] = kept.numpy()[: count.numpy()]

    logits = random.normal(-1, 1.5, (300, 3)).astype(np.float32)
    codes = random.normal(0, 0.2, (300, 4)).astype(np.float32)
    arrays["logits"], arrays["codes"] = logits, codes
    arrays["combined"] = combined(boxes, logits, codes)
    np.savez_compressed("tf_ops.npz", **arrays)


def combined(anchors, logits, codes):
    """Decode and CombinedNonMaxSuppression; rows ymin, xmin, ymax, xmax, score, class from 1."""
    height, width = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    y = codes[:, 0] * height + (anchors[:, 0] + anchors[:, 2]) / 2
    x = codes[:, 1] * width + (anchors[:, 1] + anchors[:, 3]) / 2
    h, w = np.exp(codes[:, 2]) * height, np.exp(codes[:, 3]) * width
    boxes = np.stack([y - h / 2, x - w / 2, y + h / 2, x + w / 2], 1)
    result = tf.image.combined_non_max_suppression(
        boxes[None, :, None], tf.sigmoid(logits)[None], 40, 40, 0.4, 0.2, clip_boxes=False
    )
    return np.concatenate(
        [result[0][0], result[1][0][:, None], result[2][0][:, None] + 1], 1
    ).astype(np.float32)


main()
