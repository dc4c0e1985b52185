// SPDX-License-Identifier: Apache-2.0
// Memory plans: small cases by hand, many random ones by the definition.
#include "detector/runtime/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>

#include "tests/detector/runtime/seed.h"

namespace cyto8 {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

MemoryPlan Plan(const std::vector<BufferUse>& uses) {
  StatusOr<MemoryPlan> plan = PlanMemory(uses, kNoLimit);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return plan.ok() ? *plan : MemoryPlan{};
}

bool ShareAStep(const BufferUse& a, const BufferUse& b) {
  return std::max(a.first_step, b.first_step) <=
         std::min(a.last_step, b.last_step);
}

// "" or the first pair of buffers that are alive together and overlap.
std::string Overlap(const std::vector<BufferUse>& uses,
                    const std::vector<int64_t>& offsets) {
  for (size_t a = 0; a < uses.size(); ++a) {
    for (size_t b = a + 1; b < uses.size(); ++b) {
      const bool disjoint = offsets[a] + uses[a].bytes <= offsets[b] ||
                            offsets[b] + uses[b].bytes <= offsets[a];
      const bool empty = uses[a].bytes == 0 || uses[b].bytes == 0;
      if (ShareAStep(uses[a], uses[b]) && !disjoint && !empty) {
        return std::to_string(a) + " and " + std::to_string(b);
      }
    }
  }
  return "";
}

// The largest sum of (aligned) sizes alive at one step: no plan is smaller.
int64_t LowerBound(const std::vector<BufferUse>& uses, int64_t steps) {
  int64_t bound = 0;
  for (int64_t step = 0; step < steps; ++step) {
    int64_t sum = 0;
    for (const BufferUse& use : uses) {
      if (use.first_step <= step && step <= use.last_step) {
        sum += (use.bytes + 63) / 64 * 64;
      }
    }
    bound = std::max(bound, sum);
  }
  return bound;
}

TEST(MemoryPlanTest, NoBuffersNeedNoMemory) {
  EXPECT_EQ(Plan({}).total_bytes, 0);
}

TEST(MemoryPlanTest, BuffersAliveTogetherLieSideBySide) {
  const MemoryPlan plan = Plan({{100, 0, 1}, {64, 1, 2}});
  EXPECT_EQ(plan.offsets, (std::vector<int64_t>{0, 128}));
  EXPECT_EQ(plan.total_bytes, 192);
}

TEST(MemoryPlanTest, ABufferReusesTheSpaceOfADeadOne) {
  const MemoryPlan plan = Plan({{100, 0, 1}, {100, 2, 3}});
  EXPECT_EQ(plan.offsets, (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(plan.total_bytes, 128);
}

TEST(MemoryPlanTest, LastStepIsIncluded) {
  EXPECT_EQ(Plan({{64, 0, 1}, {64, 1, 1}}).total_bytes, 128);
}

TEST(MemoryPlanTest, AGapThatFitsIsUsed) {
  // The 128 bytes of buffer 1 are free again at step 2; buffer 2 fits there.
  const MemoryPlan plan =
      Plan({{256, 0, 3}, {192, 0, 1}, {128, 0, 3}, {64, 2, 3}});
  EXPECT_EQ(plan.offsets, (std::vector<int64_t>{0, 256, 448, 256}));
  EXPECT_EQ(plan.total_bytes, 576);
}

TEST(MemoryPlanTest, EmptyBuffersTakeNoSpace) {
  EXPECT_EQ(Plan({{0, 0, 5}, {64, 0, 5}, {0, 2, 3}}).total_bytes, 64);
}

TEST(MemoryPlanTest, RefusesMoreThanTheLimit) {
  const std::vector<BufferUse> uses = {{64, 0, 1}, {64, 1, 2}};
  EXPECT_TRUE(PlanMemory(uses, 128).ok());
  const Status status = PlanMemory(uses, 127).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(),
            "activation memory: must be at most max_arena_bytes = 127");
}

TEST(MemoryPlanTest, RefusesOneBufferOfOverflowingSize) {
  const std::vector<BufferUse> uses = {{kNoLimit, 0, 1}};
  EXPECT_EQ(PlanMemory(uses, 1000).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_FALSE(PlanMemory(uses, kNoLimit).ok());
}

TEST(MemoryPlanProperty, NoTwoLiveBuffersOverlapAndTheTotalIsTight) {
  SCOPED_TRACE("CYTO8_SEED=" + std::to_string(Seed()));
  std::mt19937 random(Seed());
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  for (int round = 0; round < 2000; ++round) {
    const int64_t steps = 1 + below(20);
    std::vector<BufferUse> uses(static_cast<size_t>(1 + below(30)));
    for (BufferUse& use : uses) {
      use.bytes = below(8) == 0 ? 0 : below(2000);
      use.first_step = below(steps);
      use.last_step = use.first_step + below(steps - use.first_step);
    }
    const MemoryPlan plan = Plan(uses);
    ASSERT_EQ(Overlap(uses, plan.offsets), "") << "round " << round;
    for (size_t i = 0; i < uses.size(); ++i) {
      ASSERT_EQ(plan.offsets[i] % kBufferAlignment, 0);
      ASSERT_LE(plan.offsets[i] + uses[i].bytes, plan.total_bytes);
    }
    const int64_t bound = LowerBound(uses, steps);
    ASSERT_GE(plan.total_bytes, bound) << "round " << round;
    ASSERT_LE(plan.total_bytes, 2 * bound) << "round " << round;
  }
}

// Chains with many values alive at once, and some that live long.
TEST(MemoryPlanProperty, VeryManyBuffersArePlannedQuicklyAndDoNotOverlap) {
  SCOPED_TRACE("CYTO8_SEED=" + std::to_string(Seed()));
  std::mt19937 random(Seed());
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  for (const int64_t longest : {2, 30, 300}) {
    const auto count = static_cast<int64_t>(kMaxGreedyBuffers) + 1;
    std::vector<BufferUse> uses;
    for (int64_t i = 0; i < count; ++i) {
      uses.push_back({.bytes = below(8) == 0 ? 0 : below(2000),
                      .first_step = i,
                      .last_step = i + below(longest)});
    }
    const MemoryPlan plan = Plan(uses);
    ASSERT_EQ(Overlap(uses, plan.offsets), "");
    EXPECT_LE(plan.total_bytes, 2 * LowerBound(uses, count + longest));
    EXPECT_FALSE(PlanMemory(uses, plan.total_bytes - 1).ok());
  }
  std::vector<BufferUse> all_alive(300'000, {64, 0, 1});
  EXPECT_EQ(Plan(all_alive).total_bytes, 300'000 * 64);
}

}  // namespace
}  // namespace cyto8
