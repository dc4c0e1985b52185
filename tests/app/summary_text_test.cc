// SPDX-License-Identifier: Apache-2.0
// Tests of app/summary_text.h: the whole text of a small graph, the figures of
// the bundled model and of an EfficientDet-D2 with 90 classes.
#include "app/summary_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/app_fixture.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

using testing::HasSubstr;

std::string Summary(std::span<const std::byte> model) {
  const auto text = SummaryText(model);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : "";
}

std::vector<std::byte> OneConvolution() {
  GraphDefBuilder builder;
  builder.Placeholder("x", {1, 4, 4, 1});
  builder.Const("kernel", {3, 3, 1, 2}, std::vector<float>(18, 1));
  builder.Const("bias", {2}, {1, 1});
  builder.Conv2D("conv", "x", "kernel");
  builder.Node("BiasAdd", "sum", {"conv", "bias"});
  return builder.ToBytes();
}

TEST(SummaryTextTest, SaysEverythingOfASmallGraph) {
  EXPECT_EQ(Summary(OneConvolution()),
            "file: GraphDef, binary, 5 nodes, 0 control edges\n"
            "device (none): 5 nodes\n"
            "variables: 0\n"
            "functions: 0\n"
            "operators:\n"
            "       2  Const\n"
            "       1  BiasAdd\n"
            "       1  Conv2D\n"
            "       1  Placeholder\n"
            "not an EfficientDet export: no convolution over 3 channels: not a "
            "network on RGB images\n"
            "input: x float32 [1,4,4,1]\n"
            "output: sum float32 [1,4,4,2]\n"
            "layers:\n"
            "  conv  Conv2D  kernel [3,3,1,2]  output [1,4,4,2]  parameters 20 "
            " multiply-adds 288\n"
            "number of layers: 1\n"
            "parameters: 20\n"
            "batch-norm statistics: 0\n"
            "values in constants: 20\n"
            "multiply-adds: 288 (0.00 G)\n"
            "layers of unknown size: 0\n");
}

TEST(SummaryTextTest, TheBundledModelHasTheSizeOfAnEfficientDetD2) {
  const std::string text =
      Summary(ReadBytes(CYTO8_SOURCE_DIR "/data/models/d2-cells.pb"));
  EXPECT_THAT(text, HasSubstr("\nparameters: 8011611\n"));
  EXPECT_THAT(text, HasSubstr(" (9.79 G)\n"));
  EXPECT_THAT(text, HasSubstr("layers of unknown size: 0\n"));
}

TEST(SummaryTextTest, NinetyClassesCostMore) {
  const std::string text =
      Summary(EfficientDetGraphDef(EfficientDetPhi(2)).ToBytes());
  EXPECT_THAT(text, HasSubstr("\nparameters: 8097039\n"));
  EXPECT_THAT(text, HasSubstr(" (10.83 G)\n"));
}

TEST(SummaryTextTest, DamageIsRefused) {
  std::vector<std::byte> model = OneConvolution();
  model.resize(model.size() - 1);
  EXPECT_FALSE(SummaryText(model, {}).ok());
  EXPECT_FALSE(SummaryText({}, {}).ok());
}

}  // namespace
}  // namespace cyto8
