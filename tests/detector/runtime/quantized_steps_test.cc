// SPDX-License-Identifier: Apache-2.0
// Steps of INT8 operators: the same bytes on every instruction set, in every
// batch and however an executor shares the work out; no allocation in a run;
// every refusal of what a model file may hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "detector/kernels/isa.h"
#include "detector/runtime/compiled_model.h"
#include "tests/quant/quantized_networks.h"
#include "tests/support/allocation_counter.h"

namespace cyto8 {
namespace {

// The last piece first.
class ReverseFor final : public ParallelFor {
 public:
  explicit ReverseFor(int64_t workers) : workers_(workers) {}
  void Run(int64_t count, const std::function<void(int64_t)>& body) override {
    most_pieces_ = std::max(most_pieces_, count);
    for (int64_t i = count; i-- > 0;) body(i);
  }
  int64_t workers() const override { return workers_; }
  int64_t most_pieces() const { return most_pieces_; }

 private:
  int64_t workers_;
  int64_t most_pieces_ = 0;
};

// A thread for each piece.
class ThreadFor final : public ParallelFor {
 public:
  void Run(int64_t count, const std::function<void(int64_t)>& body) override {
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < count; ++i) threads.emplace_back(body, i);
    for (std::thread& thread : threads) thread.join();
  }
  int64_t workers() const override { return 4; }
};

using Bytes = std::vector<std::byte>;

InferRequest RequestOf(const Graph& graph, const CompileOptions& options) {
  const auto model = CompiledModel::Create(graph, options);
  EXPECT_TRUE(model.ok()) << model.status().ToString();
  return InferRequest::Create(model.value()).value();
}

// Images `first`, first + step, ... of a batch.
void Fill(InferRequest& request, uint32_t first, uint32_t step) {
  const auto batch = static_cast<size_t>(request.model().inputs()[0].shape[0]);
  const std::span<uint8_t> pixels = request.input_as<uint8_t>(0);
  const size_t count = pixels.size() / batch;
  for (size_t i = 0; i < batch; ++i) {
    std::ranges::copy(ImageOf(count, first + static_cast<uint32_t>(i) * step),
                      pixels.subspan(i * count).begin());
  }
}

// All outputs, one after the other.
Bytes RunAll(InferRequest& request, ParallelFor& executor) {
  const Status status = request.Run(executor);
  EXPECT_TRUE(status.ok()) << status.ToString();
  Bytes all;
  for (size_t i = 0; i < request.model().outputs().size(); ++i) {
    const auto bytes = request.output(static_cast<int64_t>(i));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

Bytes RunOnce(const Graph& graph, const CompileOptions& options,
              uint32_t first = 3, uint32_t step = 1) {
  InferRequest request = RequestOf(graph, options);
  Fill(request, first, step);
  SerialFor serial;
  return RunAll(request, serial);
}

// Every instruction set and executor, twice over, against plain loops.
void ExpectSameBytes(const Graph& graph) {
  const Bytes expected = RunOnce(graph, {.engine = Engine::kNaive});
  EXPECT_FALSE(expected.empty());
  SerialFor serial;
  ReverseFor two(2);
  ReverseFor four(4);
  ThreadFor threads;
  for (const Isa isa : UsableIsas()) {
    InferRequest request = RequestOf(graph, {.isa = isa});
    Fill(request, 3, 1);
    for (ParallelFor* executor :
         std::initializer_list<ParallelFor*>{&serial, &two, &four, &threads}) {
      EXPECT_TRUE(RunAll(request, *executor) == expected)
          << IsaName(isa) << " workers " << executor->workers();
    }
  }
}

// A network made for a batch, with the numbers of the one it was calibrated as.
Graph QuantizedBatch(const std::function<Graph(int64_t)>& network,
                     int64_t batch) {
  const Calibration calibration = Calibrated(network(1)).value();
  return QuantizeGraph(network(batch), calibration, {}).value().graph;
}

Graph WholeBatch(int64_t batch) { return WholeNetwork(32, batch); }

// Every step has work for several pieces.
Graph WideNetwork(int64_t batch) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, 128, batch);
  const ValueRef deep = b.Depthwise(
      "deep",
      b.Conv("expand", stem, {.outputs = 48, .activation = Activation::kSwish}),
      {.kernel = 5, .activation = Activation::kSwish});
  const ValueRef project =
      b.Conv("project", b.SqueezeExcite("gate", deep), {.outputs = 72});
  const ValueRef half =
      b.Conv("half", stem, {.outputs = 72, .kernel = 3, .stride = 2});
  const ValueRef sum =
      b.WeightedSum("sum", {project, b.Upsample("up", half)}, {0.7f, 0.3f});
  const ValueRef point = b.Conv(
      "point", b.Depthwise("separable", b.Swish("swish", sum), {.kernel = 3}),
      {.outputs = 16});
  return b.Finish({b.Conv("boxes", point, {.outputs = 4, .kernel = 3}),
                   b.Conv("classes", point, {.outputs = 20})});
}

TEST(QuantizedStepsTest, EveryIsaAndExecutorGivesTheSameBytes) {
  for (const int64_t batch : {1, 2, 5}) {
    SCOPED_TRACE(batch);
    ExpectSameBytes(QuantizedBatch(WholeBatch, batch));
  }
}

TEST(QuantizedStepsTest, PiecesOfAStepGiveTheSameBytes) {
  ExpectSameBytes(QuantizedBatch(WideNetwork, 2));
}

TEST(QuantizedStepsTest, WideStepsAreSharedOut) {
  InferRequest request = RequestOf(QuantizedBatch(WideNetwork, 1), {});
  ReverseFor one(1);
  ReverseFor two(2);
  RunAll(request, one);
  RunAll(request, two);
  EXPECT_EQ(one.most_pieces(), 0);
  EXPECT_EQ(two.most_pieces(), 2);
}

// Output by output, image by image.
void ExpectBatchOf(uint32_t step) {
  const Graph five = QuantizedBatch(WholeBatch, 5);
  const Graph one = QuantizedBatch(WholeBatch, 1);
  InferRequest all = RequestOf(five, {});
  Fill(all, 7, step);
  SerialFor serial;
  RunAll(all, serial);
  for (uint32_t image = 0; image < 5; ++image) {
    InferRequest single = RequestOf(one, {});
    Fill(single, 7 + image * step, 1);
    RunAll(single, serial);
    for (int64_t i = 0; i < 2; ++i) {
      const auto expected = single.output(i);
      EXPECT_TRUE(std::ranges::equal(
          all.output(i).subspan(image * expected.size(), expected.size()),
          expected))
          << image;
    }
  }
}

TEST(QuantizedStepsTest, EveryImageOfABatchIsByItself) {
  ExpectBatchOf(0);  // the same image five times.
  ExpectBatchOf(1);
}

struct OddWindow {
  int64_t kernel, stride, dilation;
  Padding padding;
};

// Depthwise, dense and pooling windows of that kind, on channels that fill no
// vector.
Graph OddNetwork(const OddWindow& window, int64_t channels) {
  NetworkBuilder b;
  const ValueRef stem = b.Conv("stem", b.Normalize(b.Pixels(13)),
                               {.outputs = channels, .kernel = 3});
  const ConvAttributes conv = {.strides = {window.stride, window.stride},
                               .dilations = {window.dilation, window.dilation},
                               .padding = window.padding,
                               .activation = Activation::kHardSwish};
  const int64_t k = window.kernel;
  const auto weights = [&](const std::string& name, int64_t outputs) {
    std::vector<float> values(static_cast<size_t>(k * k * channels * outputs));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] =
          0.02f * static_cast<float>(static_cast<int>(i * 37 % 23) - 11);
    }
    return b.Floats(name, {k, k, channels, outputs}, values);
  };
  const ValueRef deep =
      b.Add(Op::kDepthwiseConv2D, "deep", {stem, weights("w1", 1)}, conv);
  const ValueRef dense =
      b.Add(Op::kConv2D, "dense", {stem, weights("w2", channels)}, conv);
  ValueRef sum = b.Add(Op::kAdd, "sum", {deep, dense});
  if (window.dilation == 1) {
    const ValueRef pool = b.Add(Op::kMaxPool, "pool", {stem},
                                PoolAttributes{.kernel = {k, k},
                                               .strides = conv.strides,
                                               .padding = window.padding});
    sum = b.WeightedSum("more", {sum, pool}, {1.0f, -0.5f});
  }
  return b.Finish({b.Conv("predict", sum, {.outputs = 5})});
}

TEST(QuantizedStepsTest, EveryKindOfWindowGivesTheSameBytes) {
  const Padding same = {.kind = PaddingKind::kSame};
  const Padding uneven = {.kind = PaddingKind::kExplicit,
                          .top = 1,
                          .bottom = 2,
                          .left = 2,
                          .right = 0};
  for (const OddWindow& window :
       {OddWindow{1, 1, 1, {}}, OddWindow{1, 2, 1, same},
        OddWindow{3, 1, 1, same}, OddWindow{3, 2, 1, {}},
        OddWindow{3, 2, 1, uneven}, OddWindow{5, 1, 1, uneven},
        OddWindow{5, 2, 1, same}, OddWindow{3, 1, 2, same},
        OddWindow{4, 3, 1, same}, OddWindow{7, 2, 1, uneven}}) {
    for (const int64_t channels : {3, 17, 65}) {
      SCOPED_TRACE(testing::Message()
                   << window.kernel << "/" << window.stride << "/"
                   << window.dilation << " " << channels);
      const QuantizedGraph quantized = Quantized(OddNetwork(window, channels));
      EXPECT_TRUE(quantized.float_nodes.empty());
      ExpectSameBytes(quantized.graph);
    }
  }
}

// Floats between codes run by plain loops, so they do not depend on it either.
TEST(QuantizedStepsTest, PartsThatStayFloatGiveTheSameBytes) {
  const Graph real = WholeNetwork(32);
  for (const char* const op : {"Conv2D", "DepthwiseConv2D", "SqueezeExcite",
                               "WeightedSum", "MaxPool", "Normalize"}) {
    SCOPED_TRACE(op);
    ExpectSameBytes(Quantized(real, {.excluded_ops = {op}}).graph);
  }
}

TEST(QuantizedStepsTest, ARunAllocatesNothing) {
  const Graph graph = QuantizedBatch(WideNetwork, 1);
  SerialFor serial;
  ReverseFor two(2);
  for (const Isa isa : UsableIsas()) {
    InferRequest request = RequestOf(graph, {.isa = isa});
    EXPECT_TRUE(request.Run(serial).ok());
    const int64_t before = AllocationCount();
    const bool ok = request.Run(two).ok();
    const int64_t after = AllocationCount();
    EXPECT_TRUE(ok);
    EXPECT_EQ(after - before, 0) << IsaName(isa);
  }
}

// An output of codes, and the sums of a depthwise convolution that nobody
// else reads.
TEST(QuantizedStepsTest, CodesAndSumsMayBeOutputs) {
  Graph graph = Quantized(WholeNetwork(32)).graph;
  const int64_t deep = FindNode(graph, "fine/depthwise").value();
  graph.outputs = {{"codes", {deep, 0}}, {"sums", {deep, 1}}};
  InferRequest request = RequestOf(graph, {});
  Fill(request, 3, 1);
  ReverseFor four(4);
  RunAll(request, four);
  const auto codes = request.output_as<uint8_t>(0);
  const auto sums = request.output_as<int32_t>(1);
  std::vector<int32_t> expected(sums.size(), 0);
  for (size_t i = 0; i < codes.size(); ++i) {
    expected[i % expected.size()] += codes[i];
  }
  EXPECT_TRUE(std::ranges::equal(sums, expected));
  ExpectSameBytes(graph);
}

// What a file may hold.

// Input `i` of a node as another constant.
Graph WithConstant(Graph graph, const std::string& node, size_t i,
                   Tensor value) {
  const ValueRef constant = graph.AddConst("changed", std::move(value));
  graph.nodes[static_cast<size_t>(FindNode(graph, node).value())].inputs[i] =
      constant;
  return SortTopologically(std::move(graph)).value();
}

const Tensor& ConstantAt(const Graph& graph, const std::string& node,
                         size_t i) {
  const auto at = static_cast<size_t>(FindNode(graph, node).value());
  return *ConstantOf(graph, graph.nodes[at].inputs[i]);
}

std::string CompileErrorOf(const Graph& graph) {
  return CompiledModel::Create(graph, {}).status().message();
}

TEST(QuantizedStepsTest, FactorsOutOfRangeAreRefused) {
  const Graph graph = Quantized(WholeNetwork(32)).graph;
  const auto with = [&](const std::string& node, int64_t row, int32_t value) {
    Tensor factors = ConstantAt(graph, node, 2);
    const int64_t columns = factors.shape()[1];
    factors.mutable_data<int32_t>()[static_cast<size_t>(row * columns + 1)] =
        value;
    return CompileErrorOf(WithConstant(graph, node, 2, std::move(factors)));
  };
  EXPECT_EQ(with("stem", 1, 32),
            "node \"stem\" (QuantizedConv2D): shift = 32: must be in [0, 31]");
  EXPECT_EQ(with("stem", 1, -1),
            "node \"stem\" (QuantizedConv2D): shift = -1: must be in [0, 31]");
  EXPECT_EQ(with("stem", 2, 16384),
            "node \"stem\" (QuantizedConv2D): multiplier = 16384: must be in "
            "[0, 16383]");
  EXPECT_EQ(with("one/depthwise", 2, 100),
            "node \"one/depthwise\" (QuantizedDepthwiseConv2D): channel 1: "
            "multiplier = 100: must be in [8192, 16383]");
  const std::string error =
      with("one/depthwise", 0, std::numeric_limits<int32_t>::min());
  EXPECT_EQ(error.substr(0, error.find(" = ")),
            "node \"one/depthwise\" (QuantizedDepthwiseConv2D): channel 1: "
            "largest sum");
}

TEST(QuantizedStepsTest, ConstantsOfTheWrongSizeAreRefused) {
  const Graph graph = Quantized(WholeNetwork(32)).graph;
  const auto with = [&](const std::string& node, size_t i, DataType type,
                        Shape shape) {
    return CompileErrorOf(
        WithConstant(graph, node, i, *Tensor::Create(type, std::move(shape))));
  };
  EXPECT_EQ(with("stem", 1, DataType::kInt8, {27 * 16}),
            "node \"stem\" (QuantizedConv2D): elements of input 1 = 432: must "
            "be in [448, 448]");
  EXPECT_EQ(with("stem", 2, DataType::kInt32, {3, 15}),
            "node \"stem\" (QuantizedConv2D): elements of input 2 = 45: must "
            "be in [48, 48]");
  EXPECT_EQ(with("boxes", 2, DataType::kInt32, {36}),
            "node \"boxes\" (QuantizedConv2DFloat): elements of input 2 = 36: "
            "must be in [48, 48]");
  EXPECT_EQ(with("boxes", 3, DataType::kFloat32, {2, 36}),
            "node \"boxes\" (QuantizedConv2DFloat): elements of input 3 = 72: "
            "must be in [96, 96]");
  EXPECT_EQ(with("residual", 1, DataType::kInt16, {640 + 16}),
            "node \"residual\" (GatedConv2D): elements of input 1 = 656: must "
            "be in [640, 640]");
  EXPECT_EQ(with("residual", 2, DataType::kFloat32, {2, 15}),
            "node \"residual\" (GatedConv2D): elements of input 2 = 30: must "
            "be in [32, 32]");
  EXPECT_EQ(with("one/depthwise", 1, DataType::kInt8, {3, 3, 41}),
            "node \"one/depthwise\" (QuantizedDepthwiseConv2D): elements of "
            "input 1 = 369: must be in [360, 360]");
  EXPECT_EQ(with("middle", 2, DataType::kInt16, {2, 24}),
            "node \"middle\" (QuantizedWeightedSum): elements of input 2 = 48: "
            "must be in [72, 72]");
  EXPECT_EQ(with("one/gate", 3, DataType::kFloat32, {7}),
            "node \"one/gate\" (QuantizedGate): side 0 of input 3 = 7: must be "
            "in [6, 6]");
}

TEST(QuantizedStepsTest, NumbersOfAGatedLayerMustBeUsable) {
  const Graph graph = Quantized(WholeNetwork(32)).graph;
  const auto with = [&](size_t place, float value) {
    Tensor numbers = ConstantAt(graph, "residual", 2);
    numbers.mutable_data<float>()[place] = value;
    const std::string error =
        CompileErrorOf(WithConstant(graph, "residual", 2, std::move(numbers)));
    return error.substr(0, error.find(", bias"));
  };
  const std::string node = "node \"residual\" (GatedConv2D): ";
  EXPECT_EQ(with(3, 0), node + "output 3: scale = 0");
  EXPECT_EQ(with(3, -1), node + "output 3: scale = -1");
  EXPECT_EQ(with(3, std::numeric_limits<float>::quiet_NaN()),
            node + "output 3: scale = nan");
  EXPECT_EQ(with(3, 0x1p-140f).substr(0, node.size() + 8), node + "output 3");
  EXPECT_EQ(with(3, 0x1p127f).substr(0, node.size() + 8), node + "output 3");
  EXPECT_EQ(with(16 + 5, std::numeric_limits<float>::infinity())
                .substr(0, node.size() + 8),
            node + "output 5");
}

TEST(QuantizedStepsTest, ConstantsMustBeConstant) {
  Graph graph = Quantized(WholeNetwork(32)).graph;
  const int64_t stem = FindNode(graph, "stem").value();
  const Tensor& factors = ConstantAt(graph, "stem", 2);
  const ValueRef source = graph.AddConst("changed", factors);
  const ValueRef computed =
      graph.Add({.name = "computed", .op = Op::kNeg, .inputs = {source}});
  graph.nodes[static_cast<size_t>(stem)].inputs[2] = computed;
  EXPECT_EQ(CompileErrorOf(SortTopologically(std::move(graph)).value()),
            "node \"stem\" (QuantizedConv2D): input 2: must be constant");
}

}  // namespace
}  // namespace cyto8
