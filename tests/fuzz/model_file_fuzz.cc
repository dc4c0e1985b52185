// SPDX-License-Identifier: Apache-2.0
// Any bytes as a compiled model, under a header whose size and SHA-256 are
// right: an error, or a model that is written back as the very same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "base/sha256.h"
#include "detector/import/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kSizeAt = 16;
  constexpr size_t kHashAt = 32;
  constexpr size_t kHeaderBytes = 64;
  const auto bytes = std::as_bytes(std::span(data, size));
  std::vector<std::byte> file(bytes.begin(), bytes.end());
  if (size >= kHeaderBytes) {
    const uint64_t length = size;
    std::memcpy(file.data() + kSizeAt, &length, sizeof(length));
    const auto digest = cyto8::Sha256(std::span(file).subspan(kHeaderBytes));
    std::memcpy(file.data() + kHashAt, digest->data(), digest->size());
  }
  const auto model = cyto8::ParseModelFile(cyto8::CopyToShared(file));
  if (!model.ok()) {
    if (model.status().code() == cyto8::StatusCode::kInternal) std::abort();
    return 0;
  }
  const auto again = cyto8::SerializeModelFile(*model);
  if (!again.ok() || *again != file) std::abort();
  return 0;
}
