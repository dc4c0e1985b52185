// SPDX-License-Identifier: Apache-2.0
// What is known of a made-up slide, as a COCO file with more: where each field
// lies, what was damaged (docs/formats.md). Written as a stream. Tested by
// tests/app/make_slide_command_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/field_list.h"
#include "app/sink.h"
#include "app/slide_scene.h"
#include "base/status.h"
#include "tiling/slide_output.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

struct SlideTruth {
  std::string file_name = {};
  std::string statement = {};
  double um_per_px = 0;
  std::vector<SlideLevel> levels = {};  // those in the file.
  SceneOptions scene = {};
  int quality = 0;
  std::vector<DamageRecord> damage = {};
};

// How much there is on the slide.
struct SceneCount {
  int64_t fields = 0;
  int64_t cells = 0;
};
SceneCount CountOf(const SlideScene& scene);

Status WriteSlideTruth(const SlideTruth& truth, const FieldList& list,
                       const SlideScene& scene, const Sink& sink);

}  // namespace cyto8
