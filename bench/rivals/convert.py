# SPDX-License-Identifier: Apache-2.0
"""The frozen graph as each rival wants it, in FP32 and quantized, cached."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
from collections.abc import Iterator

import numpy as np

import tiles
from cache import Cache, file_sha256
from card import INPUT, OUTPUTS, Card


def _versions(*packages: str) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in packages}


def _calibration(path: pathlib.Path, card: Card) -> Iterator[np.ndarray]:
    for tile in tiles.read_tiles(path, card):
        yield tiles.normalised(tile, card)


def openvino_fp32(cache: Cache, card: Card) -> pathlib.Path:
    """OpenVINO reads the frozen graph itself, cut at INPUT and OUTPUTS."""

    def make(folder: pathlib.Path) -> None:
        import openvino as ov
        from openvino.frontend import FrontEndManager

        front_end = FrontEndManager().load_by_framework("tf")
        graph = front_end.load(str(card.model))
        image = graph.get_place_by_tensor_name(INPUT)
        shape = ov.PartialShape([1, card.height_px, card.width_px, 3])
        graph.set_partial_shape(image, shape)
        graph.set_element_type(image, ov.Type.f32)
        heads = [graph.get_place_by_tensor_name(o) for o in OUTPUTS.values()]
        graph.extract_subgraph([image], heads)
        model = front_end.convert(graph)
        ov.save_model(model, folder / "model.xml", compress_to_fp16=False)

    inputs = {"model": card.sha256, **_versions("openvino")}
    return cache.get("openvino-fp32", inputs, make) / "model.xml"


def openvino_int8(
    cache: Cache, card: Card, calibration: pathlib.Path, full_correction: bool
) -> pathlib.Path:
    """NNCF's post-training quantization with its defaults, all tiles used."""
    source = openvino_fp32(cache, card)

    def make(folder: pathlib.Path) -> None:
        import nncf
        import openvino as ov

        data = nncf.Dataset(list(_calibration(calibration, card)))
        model = nncf.quantize(
            ov.Core().read_model(source),
            data,
            subset_size=data.get_length(),
            fast_bias_correction=not full_correction,
        )
        ov.save_model(model, folder / "model.xml", compress_to_fp16=False)

    inputs = {
        "model": card.sha256,
        "calibration": file_sha256(calibration),
        "full_correction": full_correction,
        **_versions("openvino", "nncf"),
    }
    return cache.get("openvino-int8", inputs, make) / "model.xml"


def onnx_fp32(cache: Cache, card: Card) -> pathlib.Path:
    """tf2onnx on the graph cut at INPUT and OUTPUTS; needs TensorFlow."""

    def make(folder: pathlib.Path) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import onnx
        import tensorflow as tf
        import tf2onnx

        graph = tf.compat.v1.GraphDef.FromString(card.model.read_bytes())
        image = next(n for n in graph.node if n.name == INPUT.split(":")[0])
        placeholder = tf.compat.v1.NodeDef(name=image.name, op="Placeholder")
        placeholder.attr["dtype"].type = tf.float32.as_datatype_enum
        for side in (1, card.height_px, card.width_px, 3):
            placeholder.attr["shape"].shape.dim.add().size = side
        image.CopyFrom(placeholder)
        names = [output.split(":")[0] for output in OUTPUTS.values()]
        graph = tf.compat.v1.graph_util.extract_sub_graph(graph, names)
        model, _ = tf2onnx.convert.from_graph_def(
            graph,
            input_names=[INPUT],
            output_names=list(OUTPUTS.values()),
            opset=17,
        )
        onnx.save(model, folder / "model.onnx")

    inputs = {"model": card.sha256, **_versions("tensorflow-cpu", "tf2onnx", "onnx")}
    return cache.get("onnx-fp32", inputs, make) / "model.onnx"


def onnx_int8(cache: Cache, card: Card, calibration: pathlib.Path) -> pathlib.Path:
    """ONNX Runtime's static QDQ quantization: u8 x s8, per-channel weights."""
    source = onnx_fp32(cache, card)

    def make(folder: pathlib.Path) -> None:
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process

        class Reader(quantization.CalibrationDataReader):
            def __init__(self) -> None:
                self._tiles = _calibration(calibration, card)

            def get_next(self) -> dict[str, np.ndarray] | None:
                tile = next(self._tiles, None)
                return None if tile is None else {INPUT: tile}

        folded = folder / "folded.onnx"
        quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(folded),
            str(folder / "model.onnx"),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
        )
        folded.unlink()

    inputs = {
        "model": card.sha256,
        "calibration": file_sha256(calibration),
        "format": "QDQ u8 s8 per channel, min-max",
        **_versions("onnxruntime", "onnx"),
    }
    return cache.get("onnx-int8", inputs, make) / "model.onnx"
