// SPDX-License-Identifier: Apache-2.0
// Tests of base/activation.h: the names that messages and summaries show.
#include "base/activation.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(ActivationTest, EveryActivationHasItsName) {
  EXPECT_EQ(ActivationName(Activation::kNone), "none");
  EXPECT_EQ(ActivationName(Activation::kRelu), "relu");
  EXPECT_EQ(ActivationName(Activation::kRelu6), "relu6");
  EXPECT_EQ(ActivationName(Activation::kSwish), "swish");
  EXPECT_EQ(ActivationName(Activation::kHardSwish), "hard_swish");
  EXPECT_EQ(ActivationName(Activation::kSigmoid), "sigmoid");
}

}  // namespace
}  // namespace cyto8
