// SPDX-License-Identifier: Apache-2.0
// Tests of base/name_index.h.
#include "base/name_index.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

NameIndex Index(const std::vector<std::string>& names) {
  NameIndex index;
  for (const std::string& name : names) {
    EXPECT_TRUE(index.Add(name).ok());
  }
  return index;
}

std::string Found(const NameIndex& index, std::string_view path) {
  const auto found = index.Find(path);
  if (!found.ok()) return found.status().message();
  return *found == nullptr ? "" : **found;
}

TEST(NameIndexTest, TheRelativePathElseTheBaseName) {
  const NameIndex index = Index({"a/x.jpg", "b/x.jpg", "c/y.jpg", "z.jpg"});
  EXPECT_EQ(Found(index, "b/x.jpg"), "b/x.jpg");
  EXPECT_EQ(Found(index, "y.jpg"), "c/y.jpg");
  EXPECT_EQ(Found(index, "d/y.jpg"), "c/y.jpg");
  EXPECT_EQ(Found(index, "deep/er/z.jpg"), "z.jpg");
  EXPECT_EQ(Found(index, "w.jpg"), "");
  EXPECT_EQ(Found(index, "c/x.jpg"),
            "name \"c/x.jpg\" is ambiguous: \"a/x.jpg\" or \"b/x.jpg\"");
}

TEST(NameIndexTest, TwiceIsOnceAndEmptyIsRefused) {
  NameIndex index = Index({"a/x", "a/x"});
  EXPECT_EQ(Found(index, "x"), "a/x");
  EXPECT_EQ(index.names().size(), 1);
  EXPECT_EQ(index.Add("").message(), "file name is empty");
  EXPECT_EQ(Found(index, ""), "");
}

}  // namespace
}  // namespace cyto8
