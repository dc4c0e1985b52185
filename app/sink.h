// SPDX-License-Identifier: Apache-2.0
// Where a writer's bytes go, block by block: a file, a compressor, a string in
// a test. So no result has to stand in memory as one text.
#pragma once

#include <functional>
#include <string_view>

#include "base/atomic_file.h"
#include "base/status.h"

namespace cyto8 {

// Text or not; the bytes live for the call only.
using Sink = std::function<Status(std::string_view bytes)>;

// The file outlives the sink.
inline Sink SinkTo(AtomicFile& file) {
  return [&file](std::string_view bytes) { return file.Append(bytes); };
}

}  // namespace cyto8
