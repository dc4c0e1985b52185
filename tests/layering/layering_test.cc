// SPDX-License-Identifier: Apache-2.0
// Applies the source rules to the repository, and shows on made-up files that
// each rule can fail.
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/layering/source_rules.h"

namespace cyto8 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

struct SourceFile {
  std::string path;  // from the repository root.
  std::string text;
};

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::vector<SourceFile> SourcesUnder(std::vector<std::string> folders) {
  const fs::path root = CYTO8_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cc") continue;
      files.push_back({fs::relative(entry.path(), root).generic_string(),
                       ReadText(entry.path())});
    }
  }
  return files;
}

std::vector<SourceFile> ProductSources() {
  return SourcesUnder({"base", "detector", "quant", "tiling", "eval", "app"});
}

using Rule =
    std::function<std::vector<std::string>(std::string_view, std::string_view)>;

void ExpectAllKeep(const Rule& rule, const std::vector<SourceFile>& files) {
  ASSERT_FALSE(files.empty());
  for (const SourceFile& file : files) {
    EXPECT_THAT(rule(file.path, file.text), IsEmpty());
  }
}

TEST(RepositoryTest, OnlyAllowedArrowsBetweenRooms) {
  ExpectAllKeep(CheckArrows, ProductSources());
}

TEST(RepositoryTest, LibrariesNeitherPrintNorAbort) {
  ExpectAllKeep(CheckCalls, ProductSources());
}

TEST(RepositoryTest, EverySourceFileHasTheHouseForm) {
  std::vector<SourceFile> files = ProductSources();
  const std::vector<SourceFile> tests = SourcesUnder({"tests", "bench"});
  files.insert(files.end(), tests.begin(), tests.end());
  ExpectAllKeep(CheckForm, files);
}

TEST(RepositoryTest, NoOtherSpellingOfSourceFilesEscapesTheRules) {
  for (const char* folder :
       {"base", "detector", "quant", "tiling", "eval", "app", "tests"}) {
    const fs::path path = fs::path(CYTO8_SOURCE_DIR) / folder;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      const std::string extension = entry.path().extension().string();
      for (const char* other : {".c", ".cpp", ".cxx", ".hpp", ".hh", ".inl"}) {
        EXPECT_NE(extension, other) << entry.path();
      }
    }
  }
}

// The whole table: every ordered pair of rooms, allowed exactly where listed.
TEST(CheckArrowsTest, AllowsExactlyTheArrowsOfTheReference) {
  const std::vector<std::string> rooms = {"base",
                                          "tiling",
                                          "eval",
                                          "quant",
                                          "app",
                                          "detector/graph",
                                          "detector/import",
                                          "detector/passes",
                                          "detector/kernels",
                                          "detector/runtime",
                                          "detector/efficientdet"};
  const std::vector<std::string> allowed = {
      "tiling>base",
      "eval>base",
      "quant>base",
      "app>base",
      "detector/graph>base",
      "detector/import>base",
      "detector/passes>base",
      "detector/kernels>base",
      "detector/runtime>base",
      "detector/efficientdet>base",
      "detector/import>detector/graph",
      "detector/passes>detector/graph",
      "detector/runtime>detector/graph",
      "detector/runtime>detector/kernels",
      "detector/efficientdet>detector/runtime",
      "detector/efficientdet>detector/graph",
      "quant>detector/graph",
      "quant>detector/import",
      "quant>detector/passes",
      "quant>detector/kernels",
      "quant>detector/runtime",
      "quant>detector/efficientdet",
      "app>detector/graph",
      "app>detector/import",
      "app>detector/passes",
      "app>detector/kernels",
      "app>detector/runtime",
      "app>detector/efficientdet",
      "app>tiling",
      "app>quant",
      "app>eval"};
  for (const std::string& from : rooms) {
    for (const std::string& to : rooms) {
      const std::string text = "#include \"" + to + "/x.h\"\n";
      const bool ok = CheckArrows(from + "/y.cc", text).empty();
      const bool listed =
          from == to || std::ranges::count(allowed, from + ">" + to) > 0;
      EXPECT_EQ(ok, listed) << from << " -> " << to;
    }
  }
}

TEST(CheckArrowsTest, NamesFileLineAndArrow) {
  EXPECT_THAT(
      CheckArrows(
          "tiling/tile.cc",
          "// SPDX\n#include <vector>\n#include \"detector/graph/g.h\""),
      ElementsAre("tiling/tile.cc:3: tiling may not include "
                  "\"detector/graph/g.h\""));
}

TEST(CheckArrowsTest, SeesThroughSpacesAndAngleBrackets) {
  EXPECT_THAT(
      CheckArrows("base/a.cc", "  #  include <app/config.h> // why"),
      ElementsAre("base/a.cc:1: base may not include \"app/config.h\""));
}

TEST(CheckArrowsTest, RefusesRelativeAndBareIncludes) {
  EXPECT_THAT(CheckArrows("base/a.cc", "#include \"../base/b.h\"\n"),
              ElementsAre("base/a.cc:1: include \"../base/b.h\" is relative"));
  EXPECT_THAT(CheckArrows("base/a.cc", "#include \"b.h\"\n"),
              ElementsAre("base/a.cc:1: include \"b.h\" is not written from "
                          "the repository root"));
}

TEST(CheckArrowsTest, RefusesProductThatIncludesTests) {
  EXPECT_THAT(CheckArrows("app/a.cc", "#include \"tests/base/b.h\"\n"),
              ElementsAre("app/a.cc:1: app may not include "
                          "\"tests/base/b.h\""));
}

TEST(CheckArrowsTest, RefusesFileBetweenTheRooms) {
  EXPECT_THAT(CheckArrows("detector/a.cc", ""),
              ElementsAre("detector/a.cc:1: this file lies in no room"));
  EXPECT_THAT(CheckArrows("app/a.cc", "#include \"detector/a.h\"\n"),
              ElementsAre("app/a.cc:1: app may not include \"detector/a.h\""));
}

TEST(CheckArrowsTest, LetsThirdPartiesAndGeneratedMessagesPass) {
  EXPECT_THAT(CheckArrows("detector/import/a.cc",
                          "#include <google/protobuf/message.h>\n"
                          "#include <jpeglib.h>\n#include \"dnnl.hpp\"\n"
                          "#include \"opencv2/core.hpp\"\n"
                          "#include \"detector/import/graph.pb.h\"\n"),
              IsEmpty());
}

constexpr std::string_view kGoodHeader =
    "// SPDX-License-Identifier: Apache-2.0\n// A box.\n#pragma once\n";

TEST(CheckFormTest, AcceptsTheHouseForm) {
  EXPECT_THAT(CheckForm("base/a.h", kGoodHeader), IsEmpty());
}

TEST(CheckFormTest, RefusesMissingLicencePurposeAndPragma) {
  EXPECT_THAT(CheckForm("base/a.h", "int a;\n"),
              ElementsAre("base/a.h:1: the first line is not the licence line",
                          "base/a.h:2: no line says what the file is for",
                          "base/a.h:1: a header needs one #pragma once"));
}

TEST(CheckFormTest, RefusesTabsAndForeignCharacters) {
  const std::string good(kGoodHeader);
  for (const char* bad : {"\t", "\r", "\x7f", "\xc3\xa9"}) {
    EXPECT_THAT(CheckForm("base/a.h", good + bad + "\n"),
                ElementsAre("base/a.h:4: a character that is not plain ASCII"));
  }
}

TEST(CheckCallsTest, RefusesEachBannedCall) {
  for (const char* name :
       {"printf", "fprintf", "abort", "puts", "exit", "_exit", "quick_exit",
        "terminate", "system", "atoi", "sscanf", "strcpy"}) {
    EXPECT_THAT(
        CheckCalls("base/a.cc", "int a;\n  std::" + std::string(name) + "(1);"),
        ElementsAre("base/a.cc:2: " + std::string(name) + "() outside app/"));
  }
  for (const char* name : {"std::cout", "std::cerr", "std::clog"}) {
    EXPECT_THAT(
        CheckCalls("eval/a.cc", std::string(name) + " << 1;"),
        ElementsAre("eval/a.cc:1: " + std::string(name) + " outside app/"));
  }
}

TEST(CheckCallsTest, AllowsThemInAppAndInTests) {
  EXPECT_THAT(CheckCalls("app/main.cc", "std::exit(1); printf(\"\");"),
              IsEmpty());
  EXPECT_THAT(CheckCalls("tests/base/a_test.cc", "std::exit(1);"), IsEmpty());
}

TEST(CheckCallsTest, AllowsOnlyEnsureToAbort) {
  EXPECT_THAT(CheckCalls("base/status.cc", "std::abort();"), IsEmpty());
  EXPECT_THAT(CheckCalls("base/status.h", "std::abort();"),
              ElementsAre("base/status.h:1: abort() outside app/"));
}

TEST(CheckCallsTest, IgnoresLongerNamesCommentsAndLiterals) {
  EXPECT_THAT(CheckCalls("base/a.cc",
                         "snprintf(b, 2, \"exit(1)\"); on_exit(1);\n"
                         "// abort(\n/* exit(\nexit( */ char c = '\\'';"),
              IsEmpty());
}

TEST(CheckCallsTest, SeesCodeAfterCommentsAndLiterals) {
  EXPECT_THAT(CheckCalls("base/a.cc",
                         "/* a */ exit(1);\nf(\"\\\"\"); exit(2);\n"
                         "int i = 1'000; exit(3);\nchar c = '\"'; exit(4);"),
              ElementsAre("base/a.cc:1: exit() outside app/",
                          "base/a.cc:2: exit() outside app/",
                          "base/a.cc:3: exit() outside app/",
                          "base/a.cc:4: exit() outside app/"));
}

TEST(BlankCommentsAndLiteralsTest, KeepsLengthAndLines) {
  const std::string text = "a = \"x\\n\"; // y\nb /* c\n */ + 'd';\n";
  EXPECT_EQ(BlankCommentsAndLiterals(text),
            "a =      ;     \nb     \n    +    ;\n");
}

}  // namespace
}  // namespace cyto8
