# SPDX-License-Identifier: Apache-2.0
"""Layers of an EfficientDet graph, one recipe for each way to spell them.

Written from the operators' definitions, op by op; builds no whole network and
no post-processing (serving.py).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function
from tensorflow.python.grappler import tf_optimizer

from golden_graph import Built, GraphDef, Recipe, Weights, float_input, random_input

Tensor = tf.Tensor
raw = tf.raw_ops
v1 = tf.compat.v1
EPSILON = 1e-3
MAP = (2, 16, 12, 8)


def _image(shape: Sequence[int] = MAP, static_batch: bool = True) -> Tensor:
    return float_input("input", shape, static_batch)


def _built(output: Tensor | Sequence[Tensor], shape: Sequence[int] = MAP) -> Built:
    outputs = output if isinstance(output, (list, tuple)) else [output]
    return Built({"input:0": random_input(shape)}, [o.name for o in outputs])


def _conv(
    x: Tensor,
    kernel: Tensor,
    stride: int = 1,
    padding: str = "SAME",
    explicit: Sequence[int] = (),
    name: str = "conv2d",
) -> Tensor:
    return raw.Conv2D(
        input=x,
        filter=kernel,
        strides=[1, stride, stride, 1],
        padding=padding,
        explicit_paddings=list(explicit),
        name=name,
    )


def _depthwise(
    x: Tensor,
    kernel: Tensor,
    stride: int = 1,
    padding: str = "SAME",
    explicit: Sequence[int] = (),
    name: str = "depthwise",
) -> Tensor:
    return raw.DepthwiseConv2dNative(
        input=x,
        filter=kernel,
        strides=[1, stride, stride, 1],
        padding=padding,
        explicit_paddings=list(explicit),
        name=name,
    )


def _conv_1x1(weights: Weights, x: Tensor, channels: int, name: str = "conv") -> Tensor:
    shape = (1, 1, int(x.shape[-1]), channels)
    return _conv(x, weights.kernel(f"{name}/kernel", shape), name=f"{name}/Conv2D")


def _bias(weights: Weights, x: Tensor, name: str = "conv") -> Tensor:
    bias = weights.normal(f"{name}/bias", [int(x.shape[-1])], 0.3)
    return raw.BiasAdd(value=x, bias=bias, name=f"{name}/BiasAdd")


# Activations.


@function.Defun(
    func_name="swish", noinline=True, shape_func=lambda op: [op.inputs[0].shape]
)
def _swish_call(features: Tensor) -> Tensor:
    features = tf.convert_to_tensor(features, name="features")
    return raw.Mul(x=features, y=raw.Sigmoid(x=features))


@tf.function
def _swish_nested(features: Tensor) -> Tensor:
    return raw.Mul(x=raw.Sigmoid(x=features), y=features)


def name_nested_functions(graph_def: GraphDef) -> GraphDef:
    """Takes TensorFlow's running numbers out of the functions' names."""
    calls = [node for node in graph_def.node if node.op == "PartitionedCall"]
    bodies = {f.signature.name: f for f in graph_def.library.function}
    ordered = [bodies[call.attr["f"].func.name] for call in calls]
    for index, (call, body) in enumerate(zip(calls, ordered, strict=True)):
        body.signature.name = f"swish_nested_{index}"
        call.attr["f"].func.name = body.signature.name
    graph_def.library.function.sort(key=lambda body: body.signature.name)
    return graph_def


def swish_function(x: Tensor) -> Tensor:
    return _swish_call(x, name="swish")


def swish_partitioned_call(x: Tensor) -> Tensor:
    return _swish_nested(x)


def swish_identity_n(x: Tensor) -> Tensor:
    product = raw.Mul(x=x, y=raw.Sigmoid(x=x))
    return raw.IdentityN(input=[product, x])[0]


def swish_identity_n_beta(x: Tensor) -> Tensor:
    beta = tf.constant(1.0, name="beta")
    product = raw.Mul(x=x, y=raw.Sigmoid(x=raw.Mul(x=beta, y=x)))
    return raw.IdentityN(input=[product, x, beta])[0]


def swish_native(x: Tensor) -> Tensor:
    return raw.Mul(x=x, y=raw.Sigmoid(x=x))


def swish_native_swapped(x: Tensor) -> Tensor:
    return raw.Mul(x=raw.Sigmoid(x=x), y=x)


def relu(x: Tensor) -> Tensor:
    return raw.Relu(features=x)


def relu6(x: Tensor) -> Tensor:
    return raw.Relu6(features=x)


def hswish(x: Tensor) -> Tensor:
    gate = raw.Relu6(features=raw.AddV2(x=x, y=tf.constant(3.0)))
    return raw.RealDiv(x=raw.Mul(x=x, y=gate), y=tf.constant(6.0))


def mish(x: Tensor) -> Tensor:
    return raw.Mul(x=x, y=raw.Tanh(x=raw.Softplus(features=x)))


def srelu(x: Tensor) -> Tensor:
    """x - log(beta x + 1) / beta where x > 0, else 0; beta is squared twice."""
    two = tf.constant(2.0)
    beta = raw.Pow(x=raw.Pow(x=tf.constant(1.3, name="srelu_beta"), y=two), y=two)
    positive = raw.Greater(x=x, y=tf.constant(0.0))
    one_more = raw.AddV2(x=raw.Mul(x=beta, y=x), y=tf.constant(1.0))
    safe = raw.Select(condition=positive, x=one_more, y=_filled_like(x, 1.0))
    share = raw.Mul(x=raw.RealDiv(x=tf.constant(1.0), y=beta), y=raw.Log(x=safe))
    smooth = raw.Sub(x=x, y=share)
    return raw.Select(condition=positive, x=smooth, y=_zeros_like(x))


def _filled_like(x: Tensor, value: float) -> Tensor:
    static = x.shape.is_fully_defined()
    dims = tf.constant(x.shape.as_list()) if static else raw.Shape(input=x)
    return raw.Fill(dims=dims, value=tf.constant(value))


def _zeros_like(x: Tensor) -> Tensor:
    static = x.shape.is_fully_defined()
    return _filled_like(x, 0.0) if static else raw.ZerosLike(x=x)


def activation_graph(
    act: Callable[[Tensor], Tensor], static_batch: bool, weights: Weights
) -> Built:
    """A convolution between two uses of the activation."""
    x = act(_image(static_batch=static_batch))
    x = _bias(weights, _conv_1x1(weights, x, 6))
    return _built(act(x))


# Up-sampling.


def resize_nearest(x: Tensor, scale: int) -> Tensor:
    size = [int(x.shape[1]) * scale, int(x.shape[2]) * scale]
    return raw.ResizeNearestNeighbor(images=x, size=size)


def reshape_ones(x: Tensor, scale: int) -> Tensor:
    _, h, w, c = x.shape.as_list()
    batch = -1 if x.shape[0] is None else int(x.shape[0])
    split = raw.Reshape(tensor=x, shape=[batch, h, 1, w, 1, c])
    ones = tf.ones([1, 1, scale, 1, scale, 1], name="nearest_upsampling/ones")
    spread = raw.Mul(x=split, y=ones)
    return raw.Reshape(tensor=spread, shape=[batch, h * scale, w * scale, c])


def resize_nearest_between_casts(x: Tensor, scale: int) -> Tensor:
    """As mixed precision leaves it: a cast to the type it already has."""
    before = raw.Cast(x=x, DstT=tf.float32)
    return raw.Cast(x=resize_nearest(before, scale), DstT=tf.float32)


def upsample_one_cell(weights: Weights) -> Built:
    """Grappler's form of reshape_ones on a map of one cell: Tile, Reshape."""
    shape = (2, 1, 1, 8)
    wide = raw.Tile(input=_image(shape), multiples=[1, 4, 4, 1])
    x = raw.Reshape(tensor=wide, shape=[2, 4, 4, 8])
    return _built(_conv_1x1(weights, x, 6), shape)


def upsample_graph(
    upsample: Callable[[Tensor, int], Tensor], static_batch: bool, weights: Weights
) -> Built:
    shape = (2, 4, 3, 8)
    x = upsample(_image(shape, static_batch), 2)
    x = upsample(_conv_1x1(weights, x, 6), 3)
    return _built(x, shape)


# Batch norm.


def _bn_parts(weights: Weights, channels: int, name: str) -> dict[str, Tensor]:
    return {
        "scale": weights.uniform(f"{name}/gamma", [channels], 0.5, 1.5),
        "offset": weights.normal(f"{name}/beta", [channels], 0.3),
        "mean": weights.normal(f"{name}/moving_mean", [channels], 0.3),
        "variance": weights.uniform(f"{name}/moving_variance", [channels], 0.5, 2.0),
    }


def _bn_numpy(parts: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {key: tf.get_static_value(value) for key, value in parts.items()}


BatchNorm = Callable[[Weights, Tensor, str], Tensor]


def bn_fused(
    op: Callable[..., tuple], weights: Weights, x: Tensor, name: str
) -> Tensor:
    parts = _bn_parts(weights, int(x.shape[-1]), name)
    return op(x=x, **parts, epsilon=EPSILON, is_training=False, name=name)[0]


bn_fused_v1 = functools.partial(bn_fused, raw.FusedBatchNorm)
bn_fused_v2 = functools.partial(bn_fused, raw.FusedBatchNormV2)
bn_fused_v3 = functools.partial(bn_fused, raw.FusedBatchNormV3)


def bn_mul_add(weights: Weights, x: Tensor, name: str) -> Tensor:
    parts = _bn_numpy(_bn_parts(weights, int(x.shape[-1]), name))
    scale = parts["scale"] / np.sqrt(parts["variance"] + EPSILON)
    shift = parts["offset"] - parts["mean"] * scale
    product = raw.Mul(x=x, y=weights.const(f"{name}/scale", scale))
    return raw.Add(x=product, y=weights.const(f"{name}/shift", shift))


def bn_mul_add_swapped(weights: Weights, x: Tensor, name: str) -> Tensor:
    parts = _bn_numpy(_bn_parts(weights, int(x.shape[-1]), name))
    scale = parts["scale"] / np.sqrt(parts["variance"] + EPSILON)
    shift = parts["offset"] - parts["mean"] * scale
    product = raw.Mul(x=weights.const(f"{name}/scale", scale), y=x)
    return raw.AddV2(x=weights.const(f"{name}/shift", shift), y=product)


def bn_sub_div_mul_add(weights: Weights, x: Tensor, name: str) -> Tensor:
    parts = _bn_parts(weights, int(x.shape[-1]), name)
    std = np.sqrt(_bn_numpy(parts)["variance"] + EPSILON)
    centred = raw.Sub(x=x, y=parts["mean"])
    unit = raw.RealDiv(x=centred, y=weights.const(f"{name}/std", std))
    return raw.Add(x=raw.Mul(x=unit, y=parts["scale"]), y=parts["offset"])


def bn_rsqrt(weights: Weights, x: Tensor, name: str) -> Tensor:
    """The unfused form: every step is an op on constants, none folded yet."""
    parts = _bn_parts(weights, int(x.shape[-1]), name)
    variance = raw.AddV2(x=parts["variance"], y=tf.constant(EPSILON))
    scale = raw.Mul(x=raw.Rsqrt(x=variance), y=parts["scale"])
    shift = raw.Sub(x=parts["offset"], y=raw.Mul(x=parts["mean"], y=scale))
    return raw.AddV2(x=raw.Mul(x=x, y=scale), y=shift)


def bn_chain(batch_norm: BatchNorm, weights: Weights) -> Built:
    """Batch norm behind a conv, a conv with bias, a depthwise and an Add."""
    x = _image()
    conv = batch_norm(weights, _conv_1x1(weights, x, 8, "a"), "a/bn")
    biased = _bias(weights, _conv_1x1(weights, conv, 8, "b"), "b")
    behind_bias = batch_norm(weights, biased, "b/bn")
    kernel = weights.depthwise_kernel("c/kernel", (3, 3, 8, 1))
    behind_depthwise = batch_norm(weights, _depthwise(behind_bias, kernel), "c/bn")
    total = raw.AddV2(x=conv, y=behind_depthwise)
    return _built([batch_norm(weights, total, "d/bn")])


def use_global_normalization(graph_def: GraphDef) -> GraphDef:
    """FusedBatchNormV3 to BatchNormWithGlobalNormalization, which TensorFlow
    accepts only from graphs of producers before version 9."""
    for node in graph_def.node:
        if node.op != "FusedBatchNormV3":
            continue
        x, gamma, beta, mean, variance = node.input
        epsilon = node.attr["epsilon"].f
        node.op = "BatchNormWithGlobalNormalization"
        node.input[:] = [x, mean, variance, beta, gamma]
        node.attr.clear()
        node.attr["T"].type = tf.float32.as_datatype_enum
        node.attr["variance_epsilon"].f = epsilon
        node.attr["scale_after_normalization"].b = True
    graph_def.versions.producer = 8
    graph_def.versions.min_consumer = 0
    return graph_def


# Convolutions that Grappler fused.


def fuse_convolutions(graph_def: GraphDef) -> GraphDef:
    """Grappler's remapper alone; it fuses only nodes placed on a device."""
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
        graph.add_to_collection("train_op", graph.get_operations()[-1])
        meta_graph = v1.train.export_meta_graph(graph=graph)
    for node in meta_graph.graph_def.node:
        node.device = "/job:localhost/replica:0/task:0/device:CPU:0"
    config = v1.ConfigProto()
    config.graph_options.rewrite_options.optimizers[:] = ["remap"]
    config.graph_options.rewrite_options.min_graph_nodes = -1
    return tf_optimizer.OptimizeGraph(config, meta_graph)


def fused_bias_graph(act: Callable[[Tensor], Tensor], weights: Weights) -> Built:
    x = act(_bias(weights, _conv_1x1(weights, _image(), 6, "a"), "a"))
    y = _conv(x, weights.kernel("b/kernel", (3, 3, 6, 6)), 2)
    return _built(_bias(weights, y, "b"))


def fused_batch_norm_graph(act: Callable[[Tensor], Tensor], weights: Weights) -> Built:
    x = act(bn_fused_v3(weights, _conv_1x1(weights, _image(), 6, "a"), "a/bn"))
    y = _conv(x, weights.kernel("b/kernel", (3, 3, 6, 6)), 2)
    return _built(bn_fused_v3(weights, y, "b/bn"))


# Weighted fusion of feature maps.


def _edges(weights: Weights) -> list[Tensor]:
    x = _image()
    return [x, _conv_1x1(weights, x, 8, "edge_1"), _conv_1x1(weights, x, 8, "edge_2")]


def _edge_weights(weights: Weights, shape: Sequence[int]) -> list[Tensor]:
    names = ["WSM", "WSM_1", "WSM_2"]
    return [weights.uniform(name, shape, 0.2, 1.6) for name in names]


def _add_chain(terms: Sequence[Tensor]) -> Tensor:
    return functools.reduce(lambda a, b: raw.AddV2(x=a, y=b), terms)


def _add_n(terms: Sequence[Tensor]) -> Tensor:
    return raw.AddN(inputs=list(terms))


def fast_attention(
    add: Callable[[Sequence[Tensor]], Tensor], shape: Sequence[int], weights: Weights
) -> Built:
    gates = [raw.Relu(features=w) for w in _edge_weights(weights, shape)]
    total = raw.AddV2(x=add(gates), y=tf.constant(1e-4))
    terms = [
        raw.RealDiv(x=raw.Mul(x=edge, y=gate), y=total)
        for edge, gate in zip(_edges(weights), gates, strict=True)
    ]
    return _built(add(terms))


def fast_attention_negative_weight(weights: Weights) -> Built:
    """One edge's weight is negative, so that its Relu switches the edge off."""
    values = [0.7, -0.4, 1.1]
    gates = [raw.Relu(features=tf.constant(v, name="WSM")) for v in values]
    total = raw.AddV2(x=_add_n(gates), y=tf.constant(1e-4))
    terms = [
        raw.RealDiv(x=raw.Mul(x=edge, y=gate), y=total)
        for edge, gate in zip(_edges(weights), gates, strict=True)
    ]
    return _built(_add_n(terms))


def folded_fusion(weights: Weights) -> Built:
    """What constant folding leaves: a Mul and a RealDiv by scalars per edge."""
    terms = [
        raw.RealDiv(x=raw.Mul(x=tf.constant(w), y=edge), y=tf.constant(2.4))
        for w, edge in zip((0.9, 0.3, 1.2), _edges(weights), strict=True)
    ]
    return _built(_add_n(terms))


def stacked_attention(shape: Sequence[int], weights: Weights) -> Built:
    """Softmax over the edges; the maps are stacked on a new last axis."""
    stacked = raw.Pack(values=_edge_weights(weights, shape), axis=len(shape))
    share = raw.Softmax(logits=stacked)
    maps = raw.Pack(values=_edges(weights), axis=-1)
    weighted = raw.Mul(x=maps, y=share)
    return _built(raw.Sum(input=weighted, axis=tf.constant(-1)))


def plain_sum(add: Callable[[Sequence[Tensor]], Tensor], weights: Weights) -> Built:
    return _built(add(_edges(weights)))


# Padding rules.


def _window_outputs(
    weights: Weights, x: Tensor, size: int, stride: int
) -> list[Tensor]:
    channels = int(x.shape[-1])
    tag = f"k{size}s{stride}"
    kernel = weights.kernel(f"conv_{tag}/kernel", (size, size, channels, 4))
    depth = weights.depthwise_kernel(
        f"depthwise_{tag}/kernel", (size, size, channels, 1)
    )
    return [
        _conv(x, kernel, stride, name=f"conv_{tag}"),
        _depthwise(x, depth, stride, name=f"depthwise_{tag}"),
    ]


def same_padding(shape: Sequence[int], weights: Weights) -> Built:
    """SAME convolutions, kernels 3 and 5, strides 1 and 2, and a max-pool."""
    x = _image(shape)
    outputs: list[Tensor] = []
    for size in (3, 5):
        for stride in (1, 2):
            outputs += _window_outputs(weights, x, size, stride)
    window = [1, 3, 3, 1]
    pool = raw.MaxPool(
        input=x, ksize=window, strides=[1, 2, 2, 1], padding="SAME", name="max_pool"
    )
    return _built([*outputs, pool], shape)


def valid_padding(weights: Weights) -> Built:
    shape = (1, 13, 16, 4)
    x = _image(shape)
    kernel = weights.kernel("conv/kernel", (3, 3, 4, 4))
    depth = weights.depthwise_kernel("depthwise/kernel", (5, 5, 4, 1))
    outputs = [
        _conv(x, kernel, 2, "VALID"),
        _depthwise(x, depth, 2, "VALID"),
        raw.MaxPool(input=x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="VALID"),
    ]
    return _built(outputs, shape)


def explicit_padding(weights: Weights) -> Built:
    """Unlike sides, so that a mixed-up order shows."""
    shape = (1, 13, 16, 4)
    x = _image(shape)
    kernel = weights.kernel("conv/kernel", (3, 3, 4, 4))
    depth = weights.depthwise_kernel("depthwise/kernel", (5, 5, 4, 1))
    pads = (0, 0, 2, 1, 0, 1, 0, 0)
    outputs = [
        _conv(x, kernel, 2, "EXPLICIT", pads),
        _depthwise(x, depth, 1, "EXPLICIT", (0, 0, 1, 2, 2, 0, 0, 0)),
    ]
    return _built(outputs, shape)


def pad_then_valid(weights: Weights) -> Built:
    shape = (1, 13, 16, 4)
    padded = raw.Pad(input=_image(shape), paddings=[[0, 0], [0, 1], [1, 2], [0, 0]])
    kernel = weights.kernel("conv/kernel", (3, 3, 4, 4))
    depth = weights.depthwise_kernel("depthwise/kernel", (3, 3, 4, 1))
    outputs = [
        _conv(padded, kernel, 2, "VALID"),
        _depthwise(padded, depth, 1, "VALID"),
    ]
    return _built(outputs, shape)


# Blocks.


def _mean(x: Tensor) -> Tensor:
    return raw.Mean(input=x, axis=[1, 2], keep_dims=True)


def _mean_negative_axes(x: Tensor) -> Tensor:
    axes = tf.constant([-3, -2], tf.int64)
    return raw.Mean(input=x, axis=axes, keep_dims=True)


def _whole_map_pool(x: Tensor) -> Tensor:
    window = [1, int(x.shape[1]), int(x.shape[2]), 1]
    return raw.AvgPool(value=x, ksize=window, strides=[1, 1, 1, 1], padding="VALID")


def squeeze_excite(pool: Callable[[Tensor], Tensor], weights: Weights) -> Built:
    x = _image()
    squeezed = swish_native(_bias(weights, _conv_1x1(weights, pool(x), 2, "a"), "a"))
    excited = _bias(weights, _conv_1x1(weights, squeezed, 8, "b"), "b")
    return _built(raw.Mul(x=raw.Sigmoid(x=excited), y=x))


def residual_block(weights: Weights) -> Built:
    """Expand, depthwise, project, Identity, Add: a mobile bottleneck."""
    x = _image()
    expanded = relu6(bn_fused_v3(weights, _conv_1x1(weights, x, 16, "expand"), "bn"))
    kernel = weights.depthwise_kernel("depthwise/kernel", (5, 5, 16, 1))
    deep = relu6(bn_fused_v3(weights, _depthwise(expanded, kernel), "bn_1"))
    project = bn_fused_v3(weights, _conv_1x1(weights, deep, 8, "project"), "bn_2")
    return _built(raw.AddV2(x=raw.Identity(input=project), y=x))


def shared_head(weights: Weights) -> Built:
    """Three levels: one Const per kernel and bias, batch norms of their own."""
    x = _image((1, 16, 16, 8))
    depth = weights.depthwise_kernel("head-0/depthwise_kernel", (3, 3, 8, 1))
    point = weights.kernel("head-0/pointwise_kernel", (1, 1, 8, 8))
    bias = weights.normal("head-0/bias", [8], 0.3)
    last = weights.kernel("head-predict/kernel", (3, 3, 8, 18))
    last_bias = weights.normal("head-predict/bias", [18], 0.3)
    outputs = []
    for level in (3, 4, 5):
        separable = _conv(_depthwise(x, depth), point)
        y = raw.BiasAdd(value=separable, bias=bias)
        y = swish_native(bn_fused_v3(weights, y, f"head-0-bn-{level}"))
        outputs.append(raw.BiasAdd(value=_conv(y, last), bias=last_bias))
        x = raw.MaxPool(
            input=x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME"
        )
    return _built(outputs, (1, 16, 16, 8))


def control_edges(weights: Weights) -> Built:
    """CheckNumerics, a NoOp behind control edges and an unused branch."""
    x = _image()
    with tf.control_dependencies([raw.NoOp(name="init")]):
        y = raw.CheckNumerics(tensor=_conv_1x1(weights, x, 8), message="conv")
    unused = raw.Neg(x=y, name="unused")
    with tf.control_dependencies([unused]):
        z = raw.Identity(input=y, name="kept")
    return _built(relu(z))


def layout_odds(weights: Weights) -> Built:
    """An NCHW input: Transpose, StridedSlice of channels, Squeeze, ExpandDims."""
    shape = (1, 5, 12, 10)
    nhwc = raw.Transpose(x=_image(shape), perm=[0, 2, 3, 1])
    rgb = raw.StridedSlice(
        input=nhwc,
        begin=tf.constant([0, 0, 0, 1]),
        end=tf.constant([0, 0, 0, 4]),
        strides=tf.constant([1, 1, 1, 1]),
        begin_mask=7,
        end_mask=7,
    )
    y = _conv_1x1(weights, rgb, 6)
    flat = raw.Squeeze(input=y, axis=[0])
    again = raw.ExpandDims(input=flat, axis=tf.constant(0))
    return _built(raw.Transpose(x=again, perm=[0, 3, 1, 2]), shape)


# Encodings of constants.


def encodings_graph(weights: Weights) -> Built:
    """Eight biases; encode_constants gives each another encoding."""
    x = _image((1, 4, 4, 6))
    for index in range(8):
        bias = weights.normal(f"bias_{index}", [6], 0.5)
        x = raw.BiasAdd(value=x, bias=bias, name=f"add_{index}")
    flat = tf.constant([1, 4, 24], tf.int32, name="flat/shape")
    cells = tf.constant([1, 16, 6], tf.int64, name="out/shape")
    z = raw.Reshape(tensor=raw.Reshape(tensor=x, shape=flat), shape=cells, name="out")
    return _built(z, (1, 4, 4, 6))


def _encode_typed(tensor: v1.TensorProto, field: str, values: list) -> None:
    tensor.tensor_content = b""
    tensor.ClearField("float_val")
    getattr(tensor, field).extend(values)


def _insert_cast(graph_def: GraphDef, source: str, dtype: tf.DType) -> None:
    """Casts the constant back to float in front of its reader."""
    cast = graph_def.node.add(name=f"{source}/cast", op="Cast", input=[source])
    cast.attr["SrcT"].type = dtype.as_datatype_enum
    cast.attr["DstT"].type = tf.float32.as_datatype_enum
    cast.attr["Truncate"].b = False
    for node in graph_def.node:
        if node.name != cast.name:
            node.input[:] = [cast.name if i == source else i for i in node.input]


def _retype(graph_def: GraphDef, node: v1.NodeDef, field: str, dtype: tf.DType) -> None:
    values = tf.make_ndarray(node.attr["value"].tensor)
    tensor = node.attr["value"].tensor
    numbers = {
        tf.float16: lambda: values.astype(np.float16).view(np.uint16).tolist(),
        tf.bfloat16: lambda: (values.view(np.uint32) >> 16).tolist(),
        tf.float64: lambda: values.tolist(),
    }[dtype]()
    node.attr["dtype"].type = dtype.as_datatype_enum
    tensor.dtype = dtype.as_datatype_enum
    _encode_typed(tensor, field, numbers)
    _insert_cast(graph_def, node.name, dtype)


def _add_unread_constants(graph_def: GraphDef) -> None:
    """bool_val and a uint8 int_val, tied in by control edges only."""
    for name, dtype, field in (
        ("flags", tf.bool, "bool_val"),
        ("bytes", tf.uint8, "int_val"),
    ):
        node = graph_def.node.add(name=name, op="Const")
        node.attr["dtype"].type = dtype.as_datatype_enum
        tensor = node.attr["value"].tensor
        tensor.dtype = dtype.as_datatype_enum
        tensor.tensor_shape.dim.add(size=3)
        getattr(tensor, field).append(1)
        reader = next(n for n in graph_def.node if n.name == "out")
        reader.input.append(f"^{name}")


def encode_constants(graph_def: GraphDef) -> GraphDef:
    nodes = {node.name: node for node in graph_def.node if node.op == "Const"}
    tensors = {name: node.attr["value"].tensor for name, node in nodes.items()}
    floats = [tf.make_ndarray(tensors[f"bias_{i}"]).tolist() for i in range(4)]
    _encode_typed(tensors["bias_1"], "float_val", floats[1])
    _encode_typed(tensors["bias_2"], "float_val", floats[2][:1])
    _encode_typed(tensors["bias_3"], "float_val", floats[3][:4])
    _retype(graph_def, nodes["bias_4"], "half_val", tf.float16)
    _retype(graph_def, nodes["bias_5"], "half_val", tf.bfloat16)
    _retype(graph_def, nodes["bias_6"], "double_val", tf.float64)
    _encode_typed(tensors["bias_7"], "float_val", [])
    for name, field in (("flat/shape", "int_val"), ("out/shape", "int64_val")):
        values = tf.make_ndarray(tensors[name]).tolist()
        _encode_typed(tensors[name], field, values)
    _add_unread_constants(graph_def)
    return graph_def


def _activation_recipes() -> list[Recipe]:
    kinds = {
        "swish_function": (swish_function, "swish called as function swish_f32"),
        "swish_identity_n": (swish_identity_n, "Sigmoid, Mul, IdentityN of two"),
        "swish_identity_n_beta": (
            swish_identity_n_beta,
            "Mul by beta 1, Sigmoid, Mul, IdentityN of three",
        ),
        "swish_native": (swish_native, "Mul(x, Sigmoid(x))"),
        "swish_native_swapped": (swish_native_swapped, "Mul(Sigmoid(x), x)"),
        "activation_relu": (relu, "Relu"),
        "activation_relu6": (relu6, "Relu6"),
        "activation_hswish": (hswish, "x * Relu6(x + 3) / 6"),
        "activation_mish": (mish, "x * Tanh(Softplus(x))"),
        "activation_srelu": (srelu, "smooth relu: Pow, Greater, Fill, Log, Select"),
    }
    recipes = [
        Recipe(name, what, functools.partial(activation_graph, act, True))
        for name, (act, what) in kinds.items()
    ]
    recipes.append(
        Recipe(
            "activation_srelu_open_batch",
            "the same with batch -1: Shape, Fill, ZerosLike",
            functools.partial(activation_graph, srelu, False),
        )
    )
    recipes.append(
        Recipe(
            "swish_partitioned_call",
            "swish by PartitionedCall",
            functools.partial(activation_graph, swish_partitioned_call, True),
            name_nested_functions,
        )
    )
    return recipes


def _upsample_recipes() -> list[Recipe]:
    kinds = {
        "upsample_resize_nearest": (resize_nearest, True, "ResizeNearestNeighbor"),
        "upsample_reshape_ones": (reshape_ones, True, "Reshape, Mul by ones, Reshape"),
        "upsample_reshape_ones_open_batch": (
            reshape_ones,
            False,
            "the same with batch -1",
        ),
        "upsample_between_casts": (
            resize_nearest_between_casts,
            True,
            "Cast, ResizeNearestNeighbor, Cast",
        ),
    }
    recipes = [
        Recipe(name, what, functools.partial(upsample_graph, up, static))
        for name, (up, static, what) in kinds.items()
    ]
    recipes.append(
        Recipe("upsample_tile_one_cell", "Tile of a 1 x 1 map", upsample_one_cell)
    )
    return recipes


def _batch_norm_recipes() -> list[Recipe]:
    kinds = {
        "batch_norm_fused_v1": (bn_fused_v1, "FusedBatchNorm"),
        "batch_norm_fused_v2": (bn_fused_v2, "FusedBatchNormV2"),
        "batch_norm_fused_v3": (bn_fused_v3, "FusedBatchNormV3"),
        "batch_norm_mul_add": (bn_mul_add, "Mul, Add by constants"),
        "batch_norm_mul_add_swapped": (
            bn_mul_add_swapped,
            "Mul, AddV2 with the constants first",
        ),
        "batch_norm_sub_div_mul_add": (bn_sub_div_mul_add, "Sub, RealDiv, Mul, Add"),
        "batch_norm_rsqrt": (bn_rsqrt, "unfused: Rsqrt, Mul, Mul, Sub, AddV2"),
    }
    recipes = [
        Recipe(name, what, functools.partial(bn_chain, bn))
        for name, (bn, what) in kinds.items()
    ]
    recipes.append(
        Recipe(
            "batch_norm_global_normalization",
            "BatchNormWithGlobalNormalization",
            functools.partial(bn_chain, bn_fused_v3),
            use_global_normalization,
        )
    )
    return recipes


def _fused_convolution_recipes() -> list[Recipe]:
    graphs = {
        "fused_conv_bias_relu": (fused_bias_graph, relu, "BiasAdd, Relu"),
        "fused_conv_bias_relu6": (fused_bias_graph, relu6, "BiasAdd, Relu6"),
        "fused_conv_batch_norm_relu": (
            fused_batch_norm_graph,
            relu,
            "batch norm, Relu",
        ),
        "fused_conv_batch_norm_relu6": (
            fused_batch_norm_graph,
            relu6,
            "batch norm, Relu6",
        ),
        "fused_conv_batch_norm_swish": (
            fused_batch_norm_graph,
            swish_native,
            "batch norm alone",
        ),
    }
    return [
        Recipe(
            name,
            f"_FusedConv2D with {fused}",
            functools.partial(build, act),
            fuse_convolutions,
        )
        for name, (build, act, fused) in graphs.items()
    ]


def _fusion_recipes() -> list[Recipe]:
    fast = functools.partial
    return [
        Recipe(
            "fusion_fastattn_add_n",
            "scalar weights, AddN",
            fast(fast_attention, _add_n, []),
        ),
        Recipe(
            "fusion_fastattn_add_v2",
            "scalar weights, chain of AddV2",
            fast(fast_attention, _add_chain, []),
        ),
        Recipe(
            "fusion_fastattn_negative_weight",
            "an edge that its Relu switches off",
            fast_attention_negative_weight,
        ),
        Recipe(
            "fusion_channel_fastattn",
            "one weight per channel",
            fast(fast_attention, _add_chain, [8]),
        ),
        Recipe("fusion_folded", "Mul and RealDiv by constants", folded_fusion),
        Recipe("fusion_attn", "softmax over the edges", fast(stacked_attention, [])),
        Recipe(
            "fusion_channel_attn",
            "softmax over the edges per channel",
            fast(stacked_attention, [8]),
        ),
        Recipe("fusion_sum_add_n", "AddN of three maps", fast(plain_sum, _add_n)),
        Recipe("fusion_sum_add_v2", "AddV2 of three maps", fast(plain_sum, _add_chain)),
    ]


def _padding_recipes() -> list[Recipe]:
    same = functools.partial
    return [
        Recipe(
            "padding_same_even", "SAME, 16 x 12", same(same_padding, (1, 16, 12, 4))
        ),
        Recipe("padding_same_odd", "SAME, 17 x 11", same(same_padding, (1, 17, 11, 4))),
        Recipe("padding_same_tiny", "SAME, 1 x 2", same(same_padding, (1, 1, 2, 4))),
        Recipe("padding_valid", "VALID", valid_padding),
        Recipe("padding_explicit", "EXPLICIT with unlike sides", explicit_padding),
        Recipe("padding_pad_then_valid", "Pad, then VALID", pad_then_valid),
    ]


def _block_recipes() -> list[Recipe]:
    excite = functools.partial
    return [
        Recipe(
            "squeeze_excite_mean", "Mean over [1, 2]", excite(squeeze_excite, _mean)
        ),
        Recipe(
            "squeeze_excite_mean_negative_axes",
            "Mean over int64 [-3, -2]",
            excite(squeeze_excite, _mean_negative_axes),
        ),
        Recipe(
            "squeeze_excite_avg_pool",
            "AvgPool over the whole map",
            excite(squeeze_excite, _whole_map_pool),
        ),
        Recipe("residual_block", "Identity and residual Add", residual_block),
        Recipe("shared_head", "one Const read by three levels", shared_head),
        Recipe("control_edges", "CheckNumerics, NoOp, control edges", control_edges),
        Recipe("layout_odds", "Transpose, StridedSlice, Squeeze", layout_odds),
        Recipe(
            "constant_encodings",
            "tensor_content, every typed field, last value repeated, no value is 0",
            encodings_graph,
            encode_constants,
        ),
        Recipe(
            "constant_encodings_text",
            "the same in text format",
            encodings_graph,
            encode_constants,
            text=True,
        ),
    ]


def recipes() -> list[Recipe]:
    return [
        *_activation_recipes(),
        *_upsample_recipes(),
        *_batch_norm_recipes(),
        *_fused_convolution_recipes(),
        *_fusion_recipes(),
        *_padding_recipes(),
        *_block_recipes(),
    ]
