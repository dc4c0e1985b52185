# SPDX-License-Identifier: Apache-2.0
"""Tests of coarse_efficientdets.py: python -m unittest discover tools/golden."""

from __future__ import annotations

import unittest

import numpy as np

import coarse_efficientdets
from golden_graph import GraphDef, tf


class CoarseTest(unittest.TestCase):
    def test_kernels_keep_five_bits_and_vectors_eight(self) -> None:
        values = np.array([1.0, 1.03125, 1.1, -1.1, 0.0, 3e-5], np.float32)
        kernel = coarse_efficientdets.coarse(values.reshape(1, 1, 1, -1)).ravel()
        np.testing.assert_array_equal(kernel[:5], [1, 1.0625, 1.125, -1.125, 0])
        vector = coarse_efficientdets.coarse(values)
        np.testing.assert_array_equal(
            vector[:5], [1, 1.03125, 1.1015625, -1.1015625, 0]
        )
        for rounded, error in ((kernel, 2**-5), (vector, 2**-8)):
            self.assertLessEqual(abs(rounded[5] / values[5] - 1), error)

    def test_only_what_layers_read_is_rounded(self) -> None:
        graph = tf.Graph()
        with graph.as_default():
            x = tf.constant(np.full((1, 2, 2, 1), 1.1, np.float32), name="x")
            kernel = tf.constant(np.full((1, 1, 1, 2), 1.1, np.float32), name="kernel")
            read = tf.identity(kernel, name="kernel/read")
            bias = tf.constant(np.array([1.1, 2.1], np.float32), name="bias")
            tf.nn.bias_add(tf.nn.conv2d(x, read, 1, "SAME"), bias)
        graph_def: GraphDef = graph.as_graph_def()
        names = coarse_efficientdets.weight_names(graph_def)
        self.assertEqual(names, {"kernel", "bias"})
        rounded = coarse_efficientdets.with_coarse_weights(graph_def)
        values = {
            node.name: tf.make_ndarray(node.attr["value"].tensor).ravel()
            for node in rounded.node
            if node.op == "Const"
        }
        self.assertEqual(values["x"][0], np.float32(1.1))
        np.testing.assert_array_equal(values["kernel"], [1.125, 1.125])
        np.testing.assert_array_equal(values["bias"], [1.1015625, 2.09375])
        self.assertEqual(len(rounded.node), len(graph_def.node))


if __name__ == "__main__":
    unittest.main()
