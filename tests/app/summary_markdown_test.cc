// SPDX-License-Identifier: Apache-2.0
// Tests of app/summary_markdown.h.
#include "app/summary_markdown.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/version.h"
#include "tests/app/result_fixture.h"

namespace cyto8 {
namespace {

std::string Summary(const std::vector<SlideResult>& slides) {
  return Written([&](const Sink& sink) {
    return WriteSummaryMarkdown(SummariesOf(slides), TwoClasses(), sink);
  });
}

TEST(SummaryMarkdownTest, HasFactsCountsImagesFailuresAndNotes) {
  const std::string text = Summary({TwoCells(), Failed(), Partial(), Held()});
  const size_t files = text.find("\n## Files\n");
  ASSERT_NE(files, std::string::npos);
  EXPECT_EQ(
      text.substr(0, files),
      "# Cyto8 run\n\n**" + std::string(kResearchNotice) +
          "**\n\n"
          "| What | Value |\n| --- | --- |\n"
          "| Program | cyto8 " +
          std::string(kVersion) +
          " |\n| Model | mini |\n| Model SHA-256 | cd |\n"
          "| Model licence | CC0-1.0 |\n| Model um/px | 0.5 |\n"
          "| Images | 4: 1 done, 1 partial, 1 failed, 1 held |\n"
          "| Boxes | 3 |\n"
          "\n## Cells\n\n"
          "| Class or group | Boxes | Images with one |\n"
          "| --- | ---: | ---: |\n"
          "| NILM | 1 | 1 |\n| a,\"b\" | 2 | 2 |\n"
          "| group abnormal | 2 | 2 |\n"
          "\n## Images\n\n"
          "| Id | Image | Status | Size px | um/px | Tiles | Background | "
          "Scan | Boxes | NILM | a,\"b\" | group abnormal |\n"
          "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: "
          "| ---: | ---: |\n"
          "| `x-1` | in/x.jpg | done | 100 x 50 | 0.2472 | 2/2 | 0 | OK | 2 | "
          "1 "
          "| 1 | 1 |\n"
          "| `y-2` | in/y.jpg | failed |  |  |  |  |  |  |  |  |  |\n"
          "| `z-3` | in/z.jpg | partial | 100 x 50 | 0.2472 | 1/2 | 0 | RESCAN "
          "| 1 | 0 | 1 | 1 |\n"
          "| `h-4` | in/h.jpg | held |  |  |  |  |  |  |  |  |  |\n"
          "\n## Images without a result\n\n"
          "- `y-2`: in/y.jpg\\: cut, here\n"
          "- `h-4`: in/h.jpg\\: held by pid 7\n"
          "\n## Not to be called negative\n\n"
          "- `z-3`: RESCAN\\: 1 of 2 tiles scored \\(0.5000\\), at least 0.98; "
          "1 of 2 tiles unreadable \\(0.5000\\), limit 0.3\n"
          "\n## Notes\n\n"
          "- `z-3`: tile 1\\: damaged\n");
}

TEST(SummaryMarkdownTest, NamesCannotBreakOut) {
  SlideResult slide = Failed();
  slide.identity.path = "a|b\n# c<script>`[x](y)\xff";
  const std::string text = Summary({slide});
  EXPECT_NE(text.find("| a\\|b?\\# c\\<script\\>\\`\\[x\\]\\(y\\)\\\\xff |"),
            std::string::npos)
      << text;
}

TEST(SummaryMarkdownTest, AThousandImagesAreListedAndTheOthersCounted) {
  const std::vector<SlideResult> slides(1002, Failed());
  const std::string text = Summary(slides);
  size_t rows = 0;
  for (size_t at = text.find("| `y-2` |"); at != std::string::npos;
       at = text.find("| `y-2` |", at + 1)) {
    ++rows;
  }
  EXPECT_EQ(rows, 1000);
  EXPECT_NE(text.find("\n2 more: see slides.csv.\n"), std::string::npos);
  EXPECT_NE(text.find("| Images | 1002: 0 done"), std::string::npos);
}

TEST(SummaryMarkdownTest, ErrorsOfTheSinkEndTheWriting) {
  EXPECT_GT(ExpectSinkErrorsPassOn([](const Sink& sink) {
              return WriteSummaryMarkdown(SummariesOf({TwoCells(), Failed()}),
                                          TwoClasses(), sink);
            }),
            5);
}

}  // namespace
}  // namespace cyto8
