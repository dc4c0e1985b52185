// SPDX-License-Identifier: Apache-2.0
// The bundled D2 on real tiles: the same bits on every instruction set, at every
// batch and on one and two threads. Takes minutes;
// int8_same_answer_test.cc is the short one.
#include <gtest/gtest.h>

#include "tests/app/int8_digest_models.h"

namespace cyto8 {
namespace {

void ExpectSameDigests(int64_t side_px, int64_t tiles,
                       const std::vector<Isa>& isas) {
  const std::vector<Image> fields = ReadFields(tiles).value();
  const auto d2 = QuantizedD2(side_px, fields);
  ASSERT_TRUE(d2.ok()) << d2.status().message();
  EXPECT_TRUE(d2->float_nodes.empty());
  const std::string expected =
      DigestOf(d2->graph, fields, {.tiles = tiles}).value();
  for (const Isa isa : isas) {
    for (const int64_t batch : {1, 2, 5}) {
      for (const int64_t workers : {1, 2}) {
        const auto digest = DigestOf(d2->graph, fields,
                                     {.isa = isa,
                                      .batch = batch,
                                      .workers = workers,
                                      .tiles = tiles});
        ASSERT_TRUE(digest.ok()) << digest.status().message();
        EXPECT_EQ(*digest, expected)
            << IsaName(isa) << ", batch " << batch << ", workers " << workers;
      }
    }
  }
}

TEST(Int8SameAnswerFullTest, D2GivesTheSameBitsForTilesOf256) {
  ExpectSameDigests(256, 20, UsableIsas());
}

// The model's own size: fewer tiles, and no plain loops, which take seconds a
// tile.
TEST(Int8SameAnswerFullTest, D2GivesTheSameBitsForTilesOf768) {
  std::vector<Isa> isas = UsableIsas();
  isas.erase(isas.begin());
  if (isas.empty()) GTEST_SKIP() << "no AVX2";
  ExpectSameDigests(768, 5, isas);
}

}  // namespace
}  // namespace cyto8
