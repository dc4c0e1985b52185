// SPDX-License-Identifier: Apache-2.0
// The compiled model, a `.cy8` file (docs/formats.md, section 8): a graph whose
// constants lie in the mapped file, but those in half precision, and the texts
// that belong to it. What the texts say is for others. Tested by
// tests/detector/import/model_file_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/limits.h"
#include "base/shared_bytes.h"
#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

inline constexpr int64_t kModelFileVersion = 2;

struct ModelFile {
  // Of supported operators, in topological order. Once read, its types and
  // shapes are inferred and its constants borrow the bytes of the file, so they
  // keep all of it alive; those that it holds in half precision are copies.
  // Nodes that shared a constant do so again.
  Graph graph = {};
  std::string card = {};        // YAML, the model card (section 4).
  std::string provenance = {};  // of the model and the calibration images.
  std::string ranges = {};      // of each tensor that became codes.
  std::string plan = {};        // what was chosen for each layer.
};

// True if the bytes begin as a .cy8 does, whatever its version.
bool IsModelFile(std::span<const std::byte> bytes);

// Every constant begins at a multiple of 64 bytes; `file` has to as well.
// kDataLoss if the file is cut, longer than it says, or its SHA-256 is another;
// kUnimplemented for another version; kInvalidArgument for what contradicts
// section 8 (only in a file that somebody made so). Messages name section or
// node, value and what is allowed.
StatusOr<ModelFile> ParseModelFile(const SharedBytes& file,
                                   const Limits& limits = {});

// The same model gives the same bytes. kInvalidArgument, with the message of
// the reader, if the result could not be read again.
StatusOr<std::vector<std::byte>> SerializeModelFile(const ModelFile& model,
                                                    const Limits& limits = {});

// Maps and parses. Failures begin with the path.
StatusOr<ModelFile> ReadModelFile(FileSystem& files, const std::string& path,
                                  const Limits& limits = {});

// Whole or not at all (base/atomic_file.h): what stood there stays until the
// new file is complete.
Status WriteModelFile(FileSystem& files, const std::string& path,
                      const ModelFile& model, const Limits& limits = {});

}  // namespace cyto8
