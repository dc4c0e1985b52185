// SPDX-License-Identifier: Apache-2.0
// The bundled D2 on real tiles: the same bits on every instruction set, at every
// batch and on one and two threads. Takes minutes;
// int8_same_answer_test.cc is the short one.
#include <gtest/gtest.h>

#include "tests/app/int8_digest_models.h"

namespace cyto8 {
namespace {

constexpr int64_t kTiles = 20;

// Plain loops take seconds a tile: `plain_ways` of all ways are theirs.
void ExpectSameDigests(int64_t side_px, int64_t plain_ways) {
  const std::vector<Image> fields = ReadFields(kTiles).value();
  const auto d2 = QuantizedD2(side_px, fields);
  ASSERT_TRUE(d2.ok()) << d2.status().message();
  EXPECT_TRUE(d2->float_nodes.empty());
  const std::string expected =
      DigestOf(d2->graph, fields, {.tiles = kTiles}).value();
  for (const Isa isa : UsableIsas()) {
    int64_t ways = isa == Isa::kPlain ? plain_ways : 6;
    for (const int64_t batch : {1, 2, 5}) {
      for (const int64_t workers : {2, 1}) {
        if (ways-- <= 0) continue;
        const auto digest = DigestOf(d2->graph, fields,
                                     {.isa = isa,
                                      .batch = batch,
                                      .workers = workers,
                                      .tiles = kTiles});
        ASSERT_TRUE(digest.ok()) << digest.status().message();
        EXPECT_EQ(*digest, expected)
            << IsaName(isa) << ", batch " << batch << ", workers " << workers;
      }
    }
  }
}

TEST(Int8SameAnswerFullTest, D2GivesTheSameBitsForTilesOf256) {
  ExpectSameDigests(256, 6);
}

// The model's own size.
TEST(Int8SameAnswerFullTest, D2GivesTheSameBitsForTilesOf768) {
  ExpectSameDigests(768, 1);
}

}  // namespace
}  // namespace cyto8
