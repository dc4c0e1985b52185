// SPDX-License-Identifier: Apache-2.0
// Tests of app/eval_join.h: paths and stems, and every way to be ambiguous.
#include "app/eval_join.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

using Joined = std::vector<std::optional<size_t>>;

StatusOr<Joined> Join(const std::vector<std::string>& paths,
                      const std::vector<std::string>& names) {
  std::vector<EvalImage> images;
  for (const std::string& name : names) images.push_back({.file_name = name});
  return JoinByName(paths, images);
}

std::string Refusal(const std::vector<std::string>& paths,
                    const std::vector<std::string>& names) {
  const auto joined = Join(paths, names);
  EXPECT_EQ(joined.status().code(), StatusCode::kInvalidArgument);
  return joined.status().message();
}

TEST(JoinByNameTest, MatchesTheLongestNameThatThePathEndsWith) {
  EXPECT_EQ(*Join({"x.jpg"}, {"x.jpg"}), Joined({0}));
  EXPECT_EQ(*Join({"/data/in/a/x.jpg"}, {"x.jpg"}), Joined({0}));
  EXPECT_EQ(*Join({"in/a/x.jpg", "in/b/x.jpg"}, {"b/x.jpg", "a/x.jpg"}),
            Joined({1, 0}));
  EXPECT_EQ(*Join({"in/a/x.jpg"}, {"x.jpg", "a/x.jpg"}), Joined({1}));
  EXPECT_EQ(*Join({"/in/x.jpg"}, {"/in/x.jpg"}), Joined({0}));
}

TEST(JoinByNameTest, NormalisesPathsAsText) {
  EXPECT_EQ(*Join({"in/./b/../x.jpg"}, {"./in//x.jpg"}), Joined({0}));
  EXPECT_EQ(*Join({"../x.jpg"}, {"../x.jpg"}), Joined({0}));
}

TEST(JoinByNameTest, ElseTheStemDecides) {
  EXPECT_EQ(*Join({"in/x.png"}, {"x.jpg"}), Joined({0}));
  EXPECT_EQ(*Join({"in/x.png"}, {"other/x.jpg"}), Joined({0}));
  EXPECT_EQ(*Join({"x.tile.png"}, {"x.tile.jpg", "x.jpg"}), Joined({0}));
  EXPECT_EQ(*Join({"ax.jpg"}, {"x.jpg"}), Joined({std::nullopt}));
}

TEST(JoinByNameTest, WhatMatchesNothingHasNoImage) {
  EXPECT_EQ(*Join({"y.jpg", "x.jpg"}, {"x.jpg"}), Joined({std::nullopt, 0}));
  EXPECT_EQ(*Join({}, {"x.jpg"}), Joined());
  EXPECT_EQ(*Join({"x.jpg"}, {}), Joined({std::nullopt}));
}

TEST(JoinByNameTest, AmbiguousNamesAreRefused) {
  EXPECT_EQ(Refusal({"in/x.tif"}, {"a/x.jpg", "b/x.jpg"}),
            "image \"in/x.tif\" is ambiguous: \"a/x.jpg\" or \"b/x.jpg\" of "
            "the truth");
  EXPECT_EQ(Refusal({"a/x.jpg", "b/x.jpg"}, {"x.jpg"}),
            "images \"a/x.jpg\" and \"b/x.jpg\" both match \"x.jpg\" of the "
            "truth");
  EXPECT_EQ(Refusal({"x.jpg", "x.png"}, {"x.jpg"}),
            "images \"x.jpg\" and \"x.png\" both match \"x.jpg\" of the truth");
  EXPECT_EQ(Refusal({}, {"a/x.jpg", "./a/x.jpg"}),
            "images \"./a/x.jpg\" and \"a/x.jpg\" are the same path");
}

TEST(JoinByNameTest, TruthWithoutANameIsRefused) {
  EXPECT_EQ(Refusal({"x.jpg"}, {"x.jpg", ""}),
            "images[1].file_name: is missing, so no result can be joined by "
            "name");
}

TEST(JoinByNameTest, HostileNamesAreOnlyNames) {
  const std::vector<std::string> names = {
      "new\nline.jpg", "\xff\xfe.jpg", std::string(255, 'x'), "..", "/",
      "a b;rm -rf.jpg"};
  const auto joined = Join(names, names);
  ASSERT_TRUE(joined.ok()) << joined.status().message();
  EXPECT_EQ(*joined, Joined({0, 1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace cyto8
