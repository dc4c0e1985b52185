// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/isa.h.
#include "detector/kernels/isa.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cyto8 {
namespace {

TEST(IsaTest, PlainIsAlwaysUsableAndTheBestComesLast) {
  const std::vector<Isa> isas = UsableIsas();
  EXPECT_EQ(isas.front(), Isa::kPlain);
  EXPECT_EQ(isas.back(), BestIsa());
  EXPECT_TRUE(std::is_sorted(isas.begin(), isas.end()));
}

TEST(IsaTest, EveryOneHasAName) {
  EXPECT_EQ(IsaName(Isa::kPlain), "plain");
  EXPECT_EQ(IsaName(Isa::kAvx2), "avx2");
  EXPECT_EQ(IsaName(Isa::kAvx512), "avx512");
  EXPECT_EQ(IsaName(Isa::kAvx512Vnni), "avx512vnni");
  EXPECT_EQ(IsaName(Isa::kAvx512Vbmi), "avx512vbmi");
  EXPECT_EQ(IsaName(Isa::kAmxInt8), "amxint8");
}

}  // namespace
}  // namespace cyto8
