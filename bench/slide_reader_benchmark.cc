// SPDX-License-Identifier: Apache-2.0
// The direct reader against OpenSlide on the same slide: every block of a
// level, read once by each, whether their pixels are equal, and the time of
// this one thread. The readers take turns, each opened anew for every pass, so
// that no cache of an earlier one helps.
//
//   bench_slide_reader SLIDE [LEVEL [PASSES]]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "bench/measure.h"
#include "tiling/openslide_reader.h"
#include "tiling/tiff_pyramid.h"

namespace cyto8 {
namespace {

using Reader = StatusOr<std::unique_ptr<SlideReader>>;

Reader Direct(const std::string& path) {
  return OpenTiffPyramid(RealFileSystem(), path, Limits());
}
Reader ByOpenSlide(const std::string& path) {
  return OpenByOpenSlide(path, Limits());
}

std::vector<BlockId> BlocksOf(const SlideReader& slide, int64_t level) {
  const SlideLevel& grid = slide.info().levels[static_cast<size_t>(level)];
  std::vector<BlockId> blocks;
  for (int64_t row = 0; row < grid.blocks_down(); ++row) {
    for (int64_t column = 0; column < grid.blocks_across(); ++column) {
      blocks.push_back({.level = level, .column = column, .row = row});
    }
  }
  return blocks;
}

// Seconds of the thread for all blocks, the opening left out.
StatusOr<double> PassOf(SlideReader& slide, int64_t level) {
  const std::vector<BlockId> blocks = BlocksOf(slide, level);
  const double start = ThreadNow();
  for (const BlockId& block : blocks) {
    CYTO8_RETURN_IF_ERROR(slide.ReadBlock(block).status());
  }
  return ThreadNow() - start;
}

bool IsEqual(const ImageView& a, const ImageView& b) {
  if (a.width_px != b.width_px || a.height_px != b.height_px) return false;
  for (int64_t y = 0; y < a.height_px; ++y) {
    if (!std::equal(a.Row(y), a.Row(y) + a.width_px * kRgbChannels, b.Row(y))) {
      return false;
    }
  }
  return true;
}

Status Compare(const std::string& path, int64_t level) {
  CYTO8_ASSIGN_OR_RETURN(const auto direct, Direct(path));
  CYTO8_ASSIGN_OR_RETURN(const auto other, ByOpenSlide(path));
  const std::vector<BlockId> blocks = BlocksOf(*direct, level);
  int64_t equal = 0;
  int64_t pixels = 0;
  for (const BlockId& block : blocks) {
    CYTO8_ASSIGN_OR_RETURN(const Image a, direct->ReadBlock(block));
    CYTO8_ASSIGN_OR_RETURN(const Image b, other->ReadBlock(block));
    equal += IsEqual(a.view(), b.view()) ? 1 : 0;
    pixels += a.width_px() * a.height_px();
  }
  std::printf("%lld of %lld blocks equal, %.1f Mpx\n",
              static_cast<long long>(equal),
              static_cast<long long>(std::ssize(blocks)),
              static_cast<double>(pixels) * 1e-6);
  return OkStatus();
}

Status Run(const std::string& path, int64_t level, int64_t passes) {
  CYTO8_RETURN_IF_ERROR(Compare(path, level));
  std::vector<double> direct;
  std::vector<double> other;
  std::vector<double> ratios;
  for (int64_t i = 0; i < passes; ++i) {
    CYTO8_ASSIGN_OR_RETURN(const auto a, Direct(path));
    CYTO8_ASSIGN_OR_RETURN(direct.emplace_back(), PassOf(*a, level));
    CYTO8_ASSIGN_OR_RETURN(const auto b, ByOpenSlide(path));
    CYTO8_ASSIGN_OR_RETURN(other.emplace_back(), PassOf(*b, level));
    ratios.push_back(other.back() / direct.back());
  }
  constexpr double kMilliseconds = 1e3;
  PrintSpread("direct, ms", direct, kMilliseconds);
  PrintSpread("OpenSlide, ms", other, kMilliseconds);
  PrintSpread("OpenSlide / direct", ratios, 1);
  return OkStatus();
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_slide_reader SLIDE [LEVEL [PASSES]]\n");
    return 2;
  }
  const int64_t level = argc > 2 ? std::atoll(argv[2]) : 0;
  const int64_t passes = argc > 3 ? std::atoll(argv[3]) : 10;
  const cyto8::Status status = cyto8::Run(argv[1], level, passes);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
