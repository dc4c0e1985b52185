// SPDX-License-Identifier: Apache-2.0
// The YAML card that travels with a model: what it was trained for and how its
// outputs are read (docs/formats.md, section 4). Knows no graph. Tested by
// tests/app/model_card_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "detector/efficientdet/anchor_generator.h"
#include "detector/efficientdet/postprocess.h"

namespace cyto8 {

struct CardClass {
  int id = 0;  // its position in the network's output, from 1.
  std::string name;
  Rgb color;
};

struct ModelCard {
  std::string name;
  std::string model_file;  // beside the card.
  std::string sha256;      // of the model file, 64 lower-case hex digits.
  std::string licence;
  std::string description;
  int64_t width_px = 0;  // of the network input.
  int64_t height_px = 0;
  double mpp = 0;  // um per pixel at which the network was trained.
  Rgb pad;
  std::array<float, 3> mean = {};
  std::array<float, 3> deviation = {};
  AnchorGeneratorOptions anchors;
  std::vector<CardClass> classes;
  std::map<std::string, std::vector<int>> groups;  // class ids by group name.
  PostprocessOptions postprocess;
};

// kInvalidArgument with line, column, key, value and allowed range.
StatusOr<ModelCard> ParseModelCard(std::span<const std::byte> bytes,
                                   const Limits& limits);

}  // namespace cyto8
