# SPDX-License-Identifier: Apache-2.0
"""OpenVINO and ONNX Runtime behind one interface."""

from __future__ import annotations

import abc
import collections
import pathlib
import time
from collections.abc import Sequence

import numpy as np

from card import INPUT, OUTPUTS

Outputs = dict[str, np.ndarray]


class Engine(abc.ABC):
    """A compiled model; its inputs come from tiles.normalised."""

    @abc.abstractmethod
    def infer(self, image: np.ndarray) -> Outputs:
        """The ten heads by the names of OUTPUTS, NHWC float32, as copies."""

    @abc.abstractmethod
    def seconds(self, images: Sequence[np.ndarray]) -> float:
        """Wall time of all images through the network."""

    @abc.abstractmethod
    def about(self) -> str:
        """Version and what it chose, for the table."""


class OnnxRuntime(Engine):
    """One thread, all graph optimisations."""

    def __init__(self, model: pathlib.Path) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.graph_optimization_level = level
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        self._session = ort.InferenceSession(str(model), options, providers)
        self._version = ort.__version__

    def infer(self, image: np.ndarray) -> Outputs:
        values = self._session.run(list(OUTPUTS.values()), {INPUT: image})
        return dict(zip(OUTPUTS, values, strict=True))

    def seconds(self, images: Sequence[np.ndarray]) -> float:
        names = list(OUTPUTS.values())
        start = time.perf_counter()
        for image in images:
            self._session.run(names, {INPUT: image})
        return time.perf_counter() - start

    def about(self) -> str:
        return f"onnxruntime {self._version}"


class OpenVino(Engine):
    """As many streams as cores, one thread each."""

    def __init__(self, model: pathlib.Path, streams: int, precision: str) -> None:
        """precision: "f32", or "default" for what OpenVINO itself chooses."""
        import openvino as ov

        options = {
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": str(streams),
            "ENABLE_CPU_PINNING": "NO",  # the process is pinned
        }
        if precision != "default":
            options["INFERENCE_PRECISION_HINT"] = precision
        self._version = ov.__version__.split("-")[0]
        self._model = ov.Core().compile_model(model, "CPU", options)
        self._streams = streams
        self._request = self._model.create_infer_request()
        self._queue = ov.AsyncInferQueue(self._model, streams)

    def infer(self, image: np.ndarray) -> Outputs:
        values = self._request.infer({0: image}, share_inputs=True)
        return {key: values[name].copy() for key, name in OUTPUTS.items()}

    def seconds(self, images: Sequence[np.ndarray]) -> float:
        start = time.perf_counter()
        if self._streams == 1:
            for image in images:
                self._request.infer({0: image}, share_inputs=True, share_outputs=True)
        else:
            for image in images:
                self._queue.start_async({0: image}, share_inputs=True)
            self._queue.wait_all()
        return time.perf_counter() - start

    def _kernels(self) -> str:
        """How many layers took which instruction set, as OpenVINO says."""
        count: collections.Counter[str] = collections.Counter()
        for layer in self._model.get_runtime_model().get_ops():
            info = layer.get_rt_info()
            if info["layerType"].astype(str) == "Convolution":
                count[info["primitiveType"].astype(str)] += 1
        return ", ".join(f"{n} {name}" for name, n in count.most_common(3))

    def about(self) -> str:
        hint = self._model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        return f"openvino {self._version}, rest in {hint}; {self._kernels()}"


def create(engine: str, model: pathlib.Path, streams: int, precision: str) -> Engine:
    """engine: openvino or onnxruntime."""
    if engine == "openvino":
        return OpenVino(model, streams, precision)
    return OnnxRuntime(model)
