// SPDX-License-Identifier: Apache-2.0
// `cyto8 make-slide`: a slide of any size from real labelled fields, with its
// truth, for tests and measurements. It is never called a scan. Tested by
// tests/app/make_slide_command_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/exit_code.h"
#include "base/file_system.h"
#include "base/limits.h"

namespace cyto8 {

struct MakeSlideOptions {
  std::string fields = {};  // a folder of images; see field_list.h.
  std::string truth = {};   // their COCO file, with um_per_px.
  std::string output = {};  // .tif, .tiff, .svs or .kfb.
  std::string format = {};  // tiff, svs or kfb; empty: as the name says.
  int64_t width_px = 0;
  int64_t height_px = 0;
  double um_per_px = 0.5;
  uint64_t seed = 1;
  double density = 0.7;                   // share of slots with a field.
  std::vector<int64_t> seams_px = {256};  // 0 alone: none.
  int quality = 85;
  int64_t tile_px = 256;
  std::string levels = "auto";            // or how many.
  std::vector<std::string> damage = {};   // KIND or KIND:TILES.
  std::string made_from = "CRIC fields";  // in the statement of the slide.
  Limits limits = {};
};

// Writes the slide, <stem>.json and <stem>.ATTRIBUTION.txt, which is left out,
// with a warning, where the fields have no attribution; the slide last, so
// where it stands its truth does. Same options and fields, same bytes. kRefused
// for bad options, or if one of the files to write is the truth or a field;
// kNoInput where the fields cannot be read or have no um/px.
ExitCode RunMakeSlide(FileSystem& files, const MakeSlideOptions& options);

}  // namespace cyto8
