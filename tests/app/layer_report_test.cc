// SPDX-License-Identifier: Apache-2.0
// Tests of app/layer_report_writer.h (texts pinned, hostile names, a full
// disk), app/layer_report_run.h and the samples of app/calibration_run.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "app/calibration_run.h"
#include "app/layer_report_run.h"
#include "app/layer_report_writer.h"
#include "tests/quant/small_network.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

using testing::HasSubstr;
using testing::Not;

using Tiles = std::vector<std::vector<uint8_t>>;

LayerReport MadeReport() {
  const LayerError stem = {.values = 4,
                           .signal = 400,
                           .noise = 0.04,
                           .max_error = 0.125,
                           .fp32_min = -0.5,
                           .fp32_max = 7,
                           .saturated = 1,
                           .range = ValueRange{-0.25, 6.5}};
  const LayerError floats = {.values = 2, .signal = 8, .fp32_max = 2};
  LayerReport report;
  report.rows = {
      {.name = "stem",
       .kind = "stem",
       .error = stem,
       .int8_ms = 1.5,
       .fp32_ms = 3,
       .time_layer = "stem",
       .speedup = 2},
      {.name = "expand",
       .kind = "conv",
       .int8_ms = 0.25,
       .time_layer = "dw, the \"last\""},
      {.name = "dw, the \"last\"",
       .kind = "depthwise",
       .error = floats,
       .int8_ms = 0.25,
       .fp32_ms = 0.5,
       .time_layer = "dw, the \"last\"",
       .speedup = 1},
      {.name = "x", .kind = "Dequantize", .int8_ms = 0.5, .time_layer = "x"}};
  report.int8 = {.steps = {{"a", 2.5}}, .whole_ms = 2.56};
  report.fp32 = {.steps = {{"a", 3.5}}, .whole_ms = 3.5};
  report.tiles = 8;
  report.runs = 9;
  return report;
}

TEST(LayerTableTest, HasALineForEachLayerAndWhatTheyAddUpTo) {
  const std::string text = LayerTable(MadeReport());
  EXPECT_THAT(text, HasSubstr("errors on 8 tiles"));
  EXPECT_THAT(text, HasSubstr("the fastest third of 9 runs"));
  EXPECT_THAT(
      text,
      HasSubstr("SQNR dB  saturated %  range of codes  FP32 values  max error  "
                "INT8 ms  FP32 ms  speedup        kind  layer\n"
                "  40.00       25.000    -0.25 .. 6.5    -0.5 .. 7      0.125  "
                "  1.500    3.000     2.00        stem  stem\n"
                "      -            -               -            -          -  "
                "  0.250        v        -        conv  expand\n"
                "  exact            -               -       0 .. 2          0  "
                "  0.250    0.500     1.00   depthwise  dw, the \"last\"\n"
                "      -            -               -            -          -  "
                "  0.500        -        -  Dequantize  x\n"));
  EXPECT_THAT(
      text,
      HasSubstr("\n\nINT8: layers add up to 2.500 ms, 97.7 % of a whole run of "
                "2.560 ms\n"
                "FP32: layers add up to 3.500 ms, 100.0 % of a whole run of "
                "3.500 ms\n"));
}

TEST(LayerTableTest, SummaryNamesTheWorst) {
  EXPECT_EQ(LayerSummary(MadeReport()),
            "least SQNR: 40.00 dB at stem\n"
            "one tile on one thread: INT8 2.6 ms (97.7 % in layers), FP32 3.5 "
            "ms (100.0 %)\n");
  EXPECT_THAT(LayerSummary({}), HasSubstr("least SQNR: none\n"));
}

TEST(LayerCsvTest, LeavesEmptyWhatIsNotThere) {
  EXPECT_EQ(
      LayerCsv(MadeReport()),
      "name,kind,sqnr_db,rms,rms_error,max_error,saturated,range_min,"
      "range_max,fp32_min,fp32_max,int8_ms,fp32_ms,time_layer,speedup\n"
      "stem,stem,40.00,10,0.1,0.125,0.250000,-0.25,6.5,-0.5,7,1.5000,3.0000,"
      "stem,2.00\n"
      "expand,conv,,,,,,,,,,0.2500,,\"dw, the \"\"last\"\"\",\n"
      "\"dw, the \"\"last\"\"\",depthwise,,2,0,0,,,,0,2,0.2500,0.5000,"
      "\"dw, the \"\"last\"\"\",1.00\n"
      "x,Dequantize,,,,,,,,,,0.5000,,x,\n");
}

TEST(LayerSvgTest, HasBarsForEachLayer) {
  const std::string svg = LayerSvg(MadeReport());
  EXPECT_TRUE(svg.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  // The longest SQNR and the longest time are as long as there is room for.
  EXPECT_THAT(svg, HasSubstr("<rect x=\"430\" y=\"61\" width=\"290.0\" "
                             "height=\"14\" fill=\"#1565c0\"/>"));
  EXPECT_THAT(svg, HasSubstr("<rect x=\"790\" y=\"61\" width=\"290.0\" "
                             "height=\"7\" fill=\"#9e9e9e\"/>"));
  EXPECT_THAT(svg, HasSubstr("<rect x=\"790\" y=\"68\" width=\"145.0\" "
                             "height=\"7\" fill=\"#1565c0\"/>"));
  EXPECT_THAT(svg, HasSubstr(">3.00 / 1.50</text>"));
  EXPECT_THAT(svg, HasSubstr(">exact</text>"));
  EXPECT_THAT(LayerSvg({}), HasSubstr("height=\"70\""));
}

// Names come from model files.
TEST(LayerSvgTest, NamesCannotBecomeMarkupAndLongOnesKeepTheirEnds) {
  LayerReport report;
  report.rows = {{.name = "</text>&\n\xff"},
                 {.name = std::string(100, 'a') + std::string(62, 'b')}};
  const std::string svg = LayerSvg(report);
  EXPECT_THAT(svg, HasSubstr(">&lt;/text&gt;&amp;?\\xff</text>"));
  EXPECT_THAT(svg, HasSubstr(">.." + std::string(62, 'b') + "</text>"));
  EXPECT_THAT(LayerTable(report), HasSubstr("  </text>&?\\xff\n"));
  EXPECT_THAT(LayerCsv(report), HasSubstr("\"</text>&\n\\xff\",,"));
  EXPECT_THAT(LayerSummary(report), Not(HasSubstr("nan")));
}

TEST(WriteLayerReportTest, EachFileIsWholeOrNotThere) {
  const LayerReport report = MadeReport();
  FaultyFileSystem files(RealFileSystem());
  int64_t failures = 0;
  for (int64_t call = 0;; ++call) {
    const TemporaryFolder folder;
    files.Arm({.index = call, .error_number = ENOSPC, .lasting = true});
    const Status status = WriteLayerReport(files, folder.path(), report);
    files.Disarm();
    if (status.ok()) {
      EXPECT_EQ(folder.Names(), (std::vector<std::string>{
                                    "layers.csv", "layers.svg", "layers.txt"}));
      break;
    }
    ++failures;
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
    for (const auto& [name, text] :
         {std::pair("layers.txt", LayerTable(report)),
          std::pair("layers.csv", LayerCsv(report)),
          std::pair("layers.svg", LayerSvg(report))}) {
      if (std::ranges::count(folder.Names(), name) > 0) {
        EXPECT_EQ(folder.Get(name), text);
      }
    }
  }
  EXPECT_GT(failures, 9);
  EXPECT_EQ(files.open_files(), 0);
}

TEST(RunLayerReportTest, TimesOfLayersAddUpToTheWhole) {
  const Graph graph = SmallNetwork::Make();
  const QuantizedGraph quantized = *QuantizedSmallNetwork(graph, {});
  const auto report = RunLayerReport(
      graph, quantized, Tiles{SmallTile(1), SmallTile(2)}, {.runs = 40});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->tiles, 2);
  EXPECT_EQ(report->runs, 40);
  double int8_ms = 0;
  double fp32_ms = 0;
  std::set<std::string> names;
  for (const LayerRow& row : report->rows) {
    int8_ms += row.int8_ms.value_or(0);
    fp32_ms += row.fp32_ms.value_or(0);
    names.insert(row.name);
  }
  for (const QuantizedLayer& layer : quantized.layers) {
    EXPECT_TRUE(names.contains(layer.name)) << layer.name;
  }
  EXPECT_NEAR(int8_ms, report->int8.sum_ms(), 1e-9);
  EXPECT_NEAR(fp32_ms, report->fp32.sum_ms(), 1e-9);
  EXPECT_GE(report->int8.share(), 0.95);
  EXPECT_GE(report->fp32.share(), 0.95);
}

TEST(RunLayerReportTest, RefusesNoTilesAndTilesOfAnotherSize) {
  const Graph graph = SmallNetwork::Make();
  const QuantizedGraph quantized = *QuantizedSmallNetwork(graph, {});
  EXPECT_EQ(RunLayerReport(graph, quantized, {}, {}).status().message(),
            "report: no tiles");
  EXPECT_EQ(RunLayerReport(graph, quantized, Tiles{{1}}, {}).status().message(),
            "pixels: 1 bytes: the network takes 3072");
  EXPECT_EQ(RunLayerReport(graph, quantized, Tiles{SmallTile(1)}, {.runs = 0})
                .status()
                .message(),
            "runs = 0: must be in [1, 1000]");
}

TEST(SampledTilesTest, SpreadOverImagesAndTheirTiles) {
  using Numbers = std::vector<int64_t>;
  EXPECT_EQ(SampledTiles(0, 1, 1, 8), Numbers{0});
  EXPECT_EQ(SampledTiles(0, 1, 80, 8),
            (Numbers{5, 15, 25, 35, 45, 55, 65, 75}));
  EXPECT_EQ(SampledTiles(0, 8, 3, 8), Numbers{1});
  EXPECT_EQ(SampledTiles(1, 16, 3, 8), Numbers{});
  EXPECT_EQ(SampledTiles(0, 3, 2, 0), Numbers{});
}

// Never more than asked for, as many as there are, each tile of the image.
TEST(SampledTilesTest, AsManyAsThereAre) {
  for (int64_t images = 1; images <= 20; ++images) {
    for (int64_t tiles = 1; tiles <= 10; ++tiles) {
      int64_t sampled = 0;
      for (int64_t image = 0; image < images; ++image) {
        const auto here = SampledTiles(image, images, tiles, 8);
        sampled += std::ssize(here);
        EXPECT_TRUE(std::ranges::is_sorted(here));
        EXPECT_EQ(std::set<int64_t>(here.begin(), here.end()).size(),
                  here.size());
        for (const int64_t tile : here) EXPECT_LT(tile, tiles);
      }
      EXPECT_LE(sampled, 8);
      EXPECT_GE(sampled, std::min<int64_t>(8, images));
      EXPECT_TRUE(tiles < 8 || sampled == 8);
    }
  }
}

}  // namespace
}  // namespace cyto8
