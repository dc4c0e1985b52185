// SPDX-License-Identifier: Apache-2.0
// What the tests of app share: a small model with its card in a folder, images
// made in code, and the program run with its output caught. Test code.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/command_line.h"
#include "app/exit_code.h"
#include "app/load_network.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "detector/import/model_file.h"
#include "tests/app/card_text.h"
#include "tests/support/efficientdet_graph_def.h"
#include "tests/support/image_encoding.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {

inline std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The whole file; empty, with a failure, if it cannot be read.
inline std::vector<std::byte> ReadBytes(const std::string& path) {
  constexpr int64_t kMaxBytes = int64_t{1} << 30;
  auto bytes = ReadWholeFile(RealFileSystem(), path, kMaxBytes);
  if (bytes.ok()) return *std::move(bytes);
  ADD_FAILURE() << bytes.status().message();
  return {};
}

inline std::string HexSha256(std::span<const std::byte> bytes) {
  return ToHex(Sha256(bytes).value());
}

// Random weights predict boxes of 1e12 px and scores of exactly 1; with smaller
// ones in the last layers both are usual.
inline void TamePredictions(tf::GraphDef& graph) {
  constexpr float kFactor = 0.05f;
  for (tf::NodeDef& node : *graph.mutable_node()) {
    if (!node.name().ends_with("-predict/pointwise_kernel")) continue;
    std::string& content = *(*node.mutable_attr())["value"]
                                .mutable_tensor()
                                ->mutable_tensor_content();
    std::vector<float> weights(content.size() / sizeof(float));
    std::memcpy(weights.data(), content.data(), content.size());
    for (float& weight : weights) weight *= kFactor;
    std::memcpy(content.data(), weights.data(), content.size());
  }
}

inline std::vector<std::byte> BytesOfModel(EfficientDetGraphOptions options) {
  options.classes = 2;
  GraphDefBuilder builder = EfficientDetGraphDef(options);
  TamePredictions(builder.graph_def());
  return builder.ToBytes();
}

// The graph that CardText() describes: two classes, 128 px.
inline std::vector<std::byte> MiniModelBytes() {
  return BytesOfModel(MiniEfficientDetGraphOptions());
}

// mini.pb and its card mini.yaml.
inline void PutModel(const TemporaryFolder& folder,
                     const std::vector<std::byte>& model,
                     const std::string& card) {
  folder.Put("mini.pb", TextOf(model));
  folder.Put("mini.yaml", card);
}
inline void PutMiniModel(const TemporaryFolder& folder) {
  const std::vector<std::byte> model = MiniModelBytes();
  PutModel(folder, model, CardText(HexSha256(model)));
}
// quick.cy8, where the program is started hundreds of times: the same with
// fewer nodes, which are prepared already, and less to suppress.
inline void PutQuickModel(const TemporaryFolder& folder) {
  EfficientDetGraphOptions options = MiniEfficientDetGraphOptions();
  options.squeeze_excite = false;
  options.activation = ActivationSpelling::kRelu6;
  options.fusion = FusionSpelling::kSum;
  options.batch_norm = "FusedBatchNorm";
  const std::vector<std::byte> model = BytesOfModel(options);
  PutModel(folder, model,
           Edited(CardText(HexSha256(model)), "score_threshold: 0.05",
                  "score_threshold: 0.6"));
  FileSystem& files = RealFileSystem();
  const NetworkFile file =
      NetworkFile::Open(files, folder.PathOf("mini.yaml"), Limits()).value();
  LoadedNetwork network = file.Read(files, Limits()).value();
  EXPECT_TRUE(WriteModelFile(
                  files, folder.PathOf("quick.cy8"),
                  {.graph = std::move(network.graph), .card = file.card_text()})
                  .ok());
}

inline void PutPng(const TemporaryFolder& folder, std::string_view name,
                   const ImageView& image) {
  folder.Put(name, TextOf(EncodePng(image)));
}

// How the program ended and what it said.
struct Outcome {
  ExitCode code = ExitCode::kWhole;
  std::string out;
  std::string err;
};

template <typename Command>
Outcome Caught(const Command& command) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const ExitCode code = command();
  return {.code = code,
          .out = testing::internal::GetCapturedStdout(),
          .err = testing::internal::GetCapturedStderr()};
}

// The program with these arguments behind its name; the variables are not those
// of the process, so that no configuration of the developer is read.
inline Outcome RunProgram(const std::vector<std::string>& arguments,
                          const Environment& environment = {}) {
  std::vector<const char*> argv = {"cyto8"};
  for (const std::string& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  return Caught([&] {
    return RunCommandLine(RealFileSystem(), environment,
                          static_cast<int>(argv.size()), argv.data());
  });
}

}  // namespace cyto8
