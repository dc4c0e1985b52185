// SPDX-License-Identifier: Apache-2.0
// INT8 networks give the same bits on every instruction set, at every batch and
// on any number of threads. Other CPUs: int8_same_answer_qemu.sh; more tiles:
// int8_same_answer_full_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/app/int8_digest_models.h"

namespace cyto8 {
namespace {

const std::vector<Image>& Fields() {
  static const std::vector<Image> fields = ReadFields(4).value();
  return fields;
}

// How many images go through at once, on how many threads.
struct Way {
  int64_t batch = 1;
  int64_t workers = 1;
};

// Plain loops take their time: they get fewer tiles.
constexpr int64_t kPlainTiles = 2;

// On every instruction set as one image at a time on one thread with the best.
void ExpectSameDigests(const Graph& graph, int64_t tiles,
                       const std::vector<Way>& ways) {
  for (const Isa isa : UsableIsas()) {
    DigestOptions options;
    options.tiles = isa == Isa::kPlain ? std::min(tiles, kPlainTiles) : tiles;
    const auto expected = DigestOf(graph, Fields(), options);
    ASSERT_TRUE(expected.ok()) << expected.status().message();
    options.isa = isa;
    for (const Way& way : ways) {
      if (way.batch > options.tiles) continue;
      options.batch = way.batch;
      options.workers = way.workers;
      const auto actual = DigestOf(graph, Fields(), options);
      ASSERT_TRUE(actual.ok()) << actual.status().message();
      EXPECT_EQ(*actual, *expected) << IsaName(isa) << ", batch " << way.batch
                                    << ", workers " << way.workers;
    }
  }
}

std::vector<Way> WaysOf(const Graph& graph) {
  if (!TakesBatches(graph)) return {{1, 1}, {1, 2}};
  return {{1, 1}, {1, 2}, {2, 1}, {2, 2}, {5, 1}, {5, 2}};
}

// One weight of the first convolution, by one code.
void ChangeAWeight(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (node.op != Op::kQuantizedConv2D) continue;
    auto& value = graph.node(node.inputs[1]).As<ConstAttributes>().value;
    Tensor weights = *value;
    int8_t& weight = weights.mutable_data<int8_t>()[0];
    weight = static_cast<int8_t>(weight == 127 ? 126 : weight + 1);
    value = std::make_shared<const Tensor>(std::move(weights));
    return;
  }
  FAIL() << "no convolution";
}

// Small maps are streamed, too, as large ones are.
TEST(Int8SameAnswerTest, D2GivesTheSameBitsEveryWay) {
  constexpr int64_t kSidePx = 128;
  auto d2 = QuantizedD2(kSidePx, Fields());
  ASSERT_TRUE(d2.ok()) << d2.status().message();
  EXPECT_TRUE(d2->float_nodes.empty());
  ASSERT_TRUE(TakesBatches(d2->graph));
  ExpectSameDigests(d2->graph, 5, {{2, 1}, {5, 2}});
  const std::string whole = DigestOf(d2->graph, Fields(), {}).value();
  for (const Isa isa : UsableIsas()) {
    const DigestOptions streamed = {
        .isa = isa, .workers = 2, .min_streamed_bytes = 1 << 14};
    EXPECT_EQ(DigestOf(d2->graph, Fields(), streamed).value(), whole)
        << IsaName(isa);
  }
  ChangeAWeight(d2->graph);
  EXPECT_NE(DigestOf(d2->graph, Fields(), {}).value(), whole);
}

constexpr char kTinyNet[] = CYTO8_GOLDEN_DIR "/efficientdet/tiny-net.pb";

TEST(Int8SameAnswerTest, ATinyEfficientDetGivesTheSameBitsEveryWay) {
  const auto tiny = QuantizedTinyGraph(kTinyNet, Fields());
  ASSERT_TRUE(tiny.ok()) << tiny.status().message();
  EXPECT_TRUE(tiny->float_nodes.empty());
  ExpectSameDigests(tiny->graph, 2, {{1, 2}, {2, 1}});
}

// What stays float does so, too.
TEST(Int8SameAnswerTest, SoItDoesWithFloatNodesAmongThem) {
  const auto tiny = QuantizedTinyGraph(
      kTinyNet, Fields(),
      {.excluded_ops = {"DepthwiseConv2D", "SqueezeExcite", "WeightedSum"}});
  ASSERT_TRUE(tiny.ok()) << tiny.status().message();
  EXPECT_GT(tiny->float_nodes.size(), 10);
  ExpectSameDigests(tiny->graph, 2, {{2, 2}});
}

// Most are of a few nodes, some of which stay float. Three are left out: two
// have their batch of two baked in, one has a value that is always 0.
TEST(Int8SameAnswerTest, SmallGraphsGiveTheSameBitsEveryWay) {
  std::vector<std::string> left_out;
  for (const std::string& path : TinyGraphPaths()) {
    if (path.find("golden/graphs/") == std::string::npos) continue;
    SCOPED_TRACE(path);
    const auto tiny = QuantizedTinyGraph(path, Fields());
    if (tiny.ok()) {
      ExpectSameDigests(tiny->graph, 5, WaysOf(tiny->graph));
    } else {
      left_out.push_back(std::filesystem::path(path).stem().string());
    }
  }
  EXPECT_EQ(left_out,
            std::vector<std::string>({"fusion_fastattn_negative_weight",
                                      "upsample_reshape_ones",
                                      "upsample_tile_one_cell"}));
}

}  // namespace
}  // namespace cyto8
