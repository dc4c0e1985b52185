// SPDX-License-Identifier: Apache-2.0
// From a model on disk, an FP32 GraphDef with its card or a quantized .cy8, to
// one kind of network: pixels in, raw maps out, ready to compile. Refuses what
// does not fit together. Tested by tests/app/load_model_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/model_card.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"
#include "detector/efficientdet/detector.h"
#include "detector/graph/graph.h"
#include "detector/import/model_file.h"

namespace cyto8 {

inline constexpr std::string_view kModelFileEnding = ".cy8";

struct LoadedNetwork {
  Graph graph = {};  // prepared, with uint8 pixels as input.
  std::vector<DetectorLevel> levels = {};
  // What a serving export had baked in and the card replaces; empty if nothing.
  std::string replaced_postprocess = {};
};

// A model whose card was read. Every error starts with the file it concerns.
class NetworkFile {
 public:
  // `path`: a card (.yaml), a model with the card of the same stem beside it,
  // or a .cy8, which holds its card.
  static StatusOr<NetworkFile> Open(FileSystem& files, const std::string& path,
                                    const Limits& limits);

  const ModelCard& card() const { return card_; }
  const std::string& card_path() const { return card_path_; }
  const std::string& card_sha256() const { return card_sha256_; }
  const std::string& card_text() const { return card_text_; }
  const std::string& model_path() const { return model_path_; }
  // Of the model file, 64 lower-case hex digits.
  const std::string& model_sha256() const { return model_sha256_; }
  bool is_quantized() const { return quantized_.has_value(); }
  // JSON text of a .cy8; empty for others.
  std::string provenance() const {
    return quantized_ ? quantized_->provenance : std::string();
  }

  StatusOr<LoadedNetwork> Read(FileSystem& files, const Limits& limits) const;

 private:
  Status TakeCard(std::span<const std::byte> bytes, const Limits& limits);
  StatusOr<LoadedNetwork> ReadGraphDef(FileSystem& files,
                                       const Limits& limits) const;

  ModelCard card_;
  std::string card_path_;
  std::string card_sha256_;
  std::string card_text_;
  std::string model_path_;
  std::string model_sha256_;
  std::optional<ModelFile> quantized_;
};

}  // namespace cyto8
