// SPDX-License-Identifier: Apache-2.0
// Tests of the text form of transforms.
#include "detector/passes/transform_list.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

std::vector<Transform> Parsed(std::string_view text) {
  const auto list = ParseTransforms(text);
  EXPECT_TRUE(list.ok()) << list.status().ToString();
  return list.ok() ? *list : std::vector<Transform>();
}

std::string ErrorOf(std::string_view text) {
  return ParseTransforms(text).status().message();
}

TEST(ParseTransformsTest, NothingIsAnEmptyList) {
  EXPECT_TRUE(Parsed("").empty());
  EXPECT_TRUE(Parsed(" \n\t").empty());
}

TEST(ParseTransformsTest, NamesWithAndWithoutArguments) {
  const std::vector<Transform> expected = {
      {"a", {}},
      {"b_2", {}},
      {"c", {{"op", "Identity"}, {"op", "CheckNumerics"}}},
      {"d", {{"shape", "1,2 ,3"}, {"empty", ""}}}};
  EXPECT_EQ(Parsed("a b_2() c(op=Identity, op=CheckNumerics)"
                   "\n  d ( shape = \"1,2 ,3\" , empty=\"\" )"),
            expected);
}

TEST(ParseTransformsTest, NoSpaceIsNeededBetween) {
  EXPECT_EQ(
      Parsed("a()b(k=v)c"),
      (std::vector<Transform>{{"a", {}}, {"b", {{"k", "v"}}}, {"c", {}}}));
}

TEST(ParseTransformsTest, BareValuesMayHoldSlashesAndColons) {
  EXPECT_EQ(Parsed("a(name=net/conv:0)"),
            (std::vector<Transform>{{"a", {{"name", "net/conv:0"}}}}));
}

TEST(ParseTransformsTest, ErrorsSayWhatIsExpectedAndWhere) {
  EXPECT_EQ(ErrorOf("a, b"),
            "transforms, character 2: expected the name of a transform, found "
            "\",\"");
  EXPECT_EQ(ErrorOf("a(=v)"),
            "transforms, character 3: expected the name of an argument, found "
            "\"=\"");
  EXPECT_EQ(ErrorOf("a(k v)"),
            "transforms, character 4: expected \"=\", found \" \"");
  EXPECT_EQ(ErrorOf("a(k=)"),
            "transforms, character 5: expected a value, found \")\"");
  EXPECT_EQ(ErrorOf("a(k=v w)"),
            "transforms, character 6: expected \",\" or \")\", found \" \"");
  EXPECT_EQ(ErrorOf("a(k=\"v)"),
            "transforms, character 8: expected a closing quote, found the end");
  EXPECT_EQ(ErrorOf("a(k=v"),
            "transforms, character 6: expected \",\" or \")\", found the end");
  EXPECT_EQ(ErrorOf("a(k=v,)"),
            "transforms, character 7: expected the name of an argument, found "
            "\")\"");
}

// Every prefix of a good text is either good or refused, never a crash.
TEST(ParseTransformsTest, EveryPrefixIsHandled) {
  const std::string_view text = "a(k=\"v\", l=w) b() c";
  for (size_t length = 0; length <= text.size(); ++length) {
    const auto list = ParseTransforms(text.substr(0, length));
    EXPECT_TRUE(list.ok() ||
                list.status().code() == StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace cyto8
