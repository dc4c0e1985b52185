// SPDX-License-Identifier: Apache-2.0
// A made-up slide into a file of one format: tiles as they come, the index when
// all have come. Baseline JPEG tiles, 4:2:2, each with its own tables. Memory
// is 16 bytes for each tile. Tested by tests/tiling/slide_writer_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "tiling/pyramid_writer.h"
#include "tiling/slide_output.h"

namespace cyto8 {

enum class SlideFormat {
  kTiff,  // a tiled TIFF, levels as pages, um/px as resolution.
  kSvs,   // the same in Aperio's manner, with thumbnail, label and macro.
  kKfb,
};

struct SlideFileOptions {
  std::string path = {};
  std::vector<SlideLevel> levels = {};  // PyramidLevels'.
  int64_t level_count = 0;              // how many of them go into the file.
  double um_per_px = 0;                 // of level 0.
  double magnification = 0;
  int quality = 85;
  // What the file is made from, in its description: ASCII, no control
  // characters, no '|'. KFB has no place for it.
  std::string statement = {};
  std::vector<Damage> damage = {};
  // A larger TIFF becomes a BigTIFF.
  int64_t max_classic_bytes = (int64_t{1} << 32) - 1;
};

// WritePyramid writes to it, then come Finish and Commit, once each. All levels
// must come, also those that do not go into the file: the last is the
// thumbnail. Without Commit nothing appears under the path.
class SlideWriter : public TileSink {
 public:
  virtual Status Finish() = 0;
  virtual Status Commit() = 0;
  // After Finish.
  virtual std::vector<DamageRecord> damage() const = 0;
};

// kInvalidArgument for options that the format does not allow: KFB wants tiles
// of 256 px and all levels. `files` outlives the result.
StatusOr<std::unique_ptr<SlideWriter>> CreateSlideWriter(
    FileSystem& files, SlideFormat format, const SlideFileOptions& options);

// For those who make writers. The places of a level's tiles, row by row.
class TilePlaces {
 public:
  explicit TilePlaces(const SlideLevel& level)
      : columns_(level.blocks_across()),
        places_(static_cast<size_t>(columns_ * level.blocks_down())) {}

  TilePlace& At(const BlockId& block) {
    return places_[static_cast<size_t>(block.row * columns_ + block.column)];
  }
  const std::vector<TilePlace>& all() const { return places_; }

 private:
  int64_t columns_;
  std::vector<TilePlace> places_;
};

// A picture of one colour where scanners put one of the glass.
inline constexpr int64_t kPlainWidth = 160;
inline constexpr int64_t kPlainHeight = 96;
StatusOr<std::string> PlainPicture(Rgb colour);
inline constexpr Rgb kLabelColour = {.red = 200, .green = 60, .blue = 60};
inline constexpr Rgb kMacroColour = {.red = 60, .green = 120, .blue = 60};

}  // namespace cyto8
