// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model file: an error, or a graph that is valid and whose
// shapes can be inferred or are refused. Seeds in corpus/graph_def.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

#include "detector/graph/shape_inference.h"
#include "detector/import/graph_def_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto imported = cyto8::ImportGraphDef(std::as_bytes(std::span(data, size)));
  if (!imported.ok()) {
    if (imported.status().code() == cyto8::StatusCode::kInternal) std::abort();
    return 0;
  }
  if (!cyto8::ValidateGraph(imported->graph).ok()) std::abort();
  const auto shaped = cyto8::InferShapes(std::move(imported->graph));
  if (!shaped.ok() && shaped.status().message().empty()) std::abort();
  return 0;
}
