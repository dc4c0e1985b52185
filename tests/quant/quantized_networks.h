// SPDX-License-Identifier: Apache-2.0
// Small networks made in code, from 8-bit pixels on, and ways to calibrate,
// quantize and run them. Test code only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/runtime/compiled_model.h"
#include "quant/calibrator.h"
#include "quant/quantize_graph.h"

namespace cyto8 {

struct LayerSpec {
  int64_t outputs = 16;
  int64_t kernel = 1;
  int64_t stride = 1;
  Activation activation = Activation::kNone;
  bool has_bias = true;
};

// A node per call; weights are random, the same in every run and at every
// image size. Names are those given; constants are "<name>/...".
class NetworkBuilder {
 public:
  ValueRef Pixels(int64_t side, int64_t batch = 1);  // "image".
  // Of the mean colour (120.4, 110, 130.7); "normalize".
  ValueRef Normalize(ValueRef image);
  ValueRef Conv(const std::string& name, ValueRef x, const LayerSpec& spec);
  ValueRef Depthwise(const std::string& name, ValueRef x,
                     const LayerSpec& spec);
  ValueRef SqueezeExcite(const std::string& name, ValueRef x);
  ValueRef MaxPool(const std::string& name, ValueRef x);   // 3x3, stride 2.
  ValueRef Upsample(const std::string& name, ValueRef x);  // by 2.
  ValueRef WeightedSum(const std::string& name, std::vector<ValueRef> terms,
                       std::vector<float> weights);
  ValueRef Add(Op op, const std::string& name, std::vector<ValueRef> inputs,
               Attributes attributes = {});
  ValueRef Swish(const std::string& name, ValueRef x);
  ValueRef Floats(const std::string& name, Shape shape,
                  const std::vector<float>& values);
  int64_t ChannelsOf(ValueRef x) const;

  // Inferred, outputs named like their nodes.
  Graph Finish(const std::vector<ValueRef>& outputs);

 private:
  ValueRef Noise(const std::string& name, Shape shape, double deviation,
                 double mean = 0);
  double NextNormal();

  Graph graph_;
  uint64_t seed_ = 1;
};

// Pixels -> normalized -> 3x3 convolution of stride 2, swish: "stem", 16
// channels.
ValueRef AddStem(NetworkBuilder& builder, int64_t side, int64_t batch = 1);

// One of every INT8 operator: stem, two blocks with gates and one residual, a
// pyramid of three levels with up-sampling and pooling, separable heads;
// outputs "boxes" and "classes". `side` is a multiple of 16.
Graph WholeNetwork(int64_t side, int64_t batch = 1);

// Pixels of image number `image`: smooth, not the same in any two.
std::vector<uint8_t> ImageOf(size_t count, uint32_t image);

// What `images` images (ImageOf) look like inside; by the naive engine.
StatusOr<Calibration> Calibrated(const Graph& graph, int64_t images = 2,
                                 const QuantizeOptions& options = {});

// Calibrated and quantized; fails the test and gives an empty graph on errors.
QuantizedGraph Quantized(const Graph& graph,
                         const QuantizeOptions& options = {});

// The error of calibration or quantization.
std::string QuantizeError(const Graph& graph,
                          const QuantizeOptions& options = {});

// All outputs for pixels ImageOf(image), image + 1, ... of the batch.
std::vector<std::vector<float>> OutputsOf(const Graph& graph, uint32_t image,
                                          const CompileOptions& options = {});

// Signal over difference of each output, in decibel, for an image calibrated
// on: what is cut off by a range is not what these tests are about.
std::vector<double> SqnrOf(const Graph& real, const Graph& quantized);

// A line per node that is no constant: "name = Op(input, ...)".
std::string NodesOf(const Graph& graph);

}  // namespace cyto8
