// SPDX-License-Identifier: Apache-2.0
// Tests of detector/import/attribute_scope.h.
#include "detector/import/attribute_scope.h"

#include "gtest/gtest.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

TEST(AttributeScopeTest, ReadsEveryKind) {
  tf::NodeDef def;
  NodeBuilder(def)
      .Int("i", -3)
      .Float("f", 0.5f)
      .Bool("b", true)
      .String("s", "SAME")
      .Type("t", tf::DT_HALF)
      .Ints("list", {1, 2})
      .Strings("names", {"a", "b"})
      .ShapeAttribute("shape", {4})
      .Function("func", "body");
  const AttributeScope scope(def.attr());
  EXPECT_EQ(scope.Int("i").value(), -3);
  EXPECT_EQ(scope.Float("f").value(), 0.5f);
  EXPECT_EQ(scope.Bool("b").value(), true);
  EXPECT_EQ(scope.String("s").value(), "SAME");
  EXPECT_EQ(scope.Type("t").value(), tf::DT_HALF);
  EXPECT_EQ(scope.Ints("list").value(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(scope.Strings("names").value(),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(scope.Shape("shape").value()->dim(0).size(), 4);
  EXPECT_EQ(scope.Function("func").value()->name(), "body");
}

TEST(AttributeScopeTest, MissingAttributeGivesTheFallbackOrAnError) {
  const tf::NodeDef def;
  const AttributeScope scope(def.attr());
  EXPECT_EQ(scope.Int("axis", 7).value(), 7);
  EXPECT_EQ(scope.Shape("shape").value(), nullptr);
  EXPECT_EQ(scope.Int("axis").status().message(),
            "attribute 'axis' is missing");
}

TEST(AttributeScopeTest, WrongKindIsRefusedEvenWithAFallback) {
  tf::NodeDef def;
  NodeBuilder(def).String("axis", "1");
  EXPECT_EQ(AttributeScope(def.attr()).Int("axis", 7).status().message(),
            "attribute 'axis' holds 's': must hold 'i'");
}

TEST(AttributeScopeTest, PlaceholderPointsToTheCaller) {
  tf::NodeDef call;
  tf::NodeDef body;
  NodeBuilder(call).Type("T", tf::DT_INT32);
  NodeBuilder(body).Placeholder("DstT", "T").Placeholder("x", "none");
  const AttributeScope caller(call.attr());
  const AttributeScope scope(body.attr(), &caller);
  EXPECT_EQ(scope.Type("DstT").value(), tf::DT_INT32);
  EXPECT_EQ(scope.Type("x").status().message(), "attribute 'x' is missing");
}

TEST(AttributeScopeTest, PlaceholderWithoutCallerIsMissing) {
  tf::NodeDef body;
  NodeBuilder(body).Placeholder("T", "T");
  EXPECT_EQ(AttributeScope(body.attr()).Type("T", tf::DT_FLOAT).value(),
            tf::DT_FLOAT);
}

}  // namespace
}  // namespace cyto8
