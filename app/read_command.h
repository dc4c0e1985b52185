// SPDX-License-Identifier: Apache-2.0
// `cyto8 read`: a rectangle of one level of a slide as PNG, pixel for pixel as
// scoring reads it, never resampled. Tested by tests/app/read_command_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/command.h"
#include "app/exit_code.h"
#include "base/file_system.h"
#include "base/limits.h"

namespace CLI {
class App;
}

namespace cyto8 {

struct ReadOptions {
  std::string slide = {};
  int64_t level = 0;
  std::vector<int64_t> rect =
      {};                   // x, y, width, height in pixels of the level.
  std::string output = {};  // 8-bit RGB PNG.
  Limits limits = {};
};

// kRefused for a rectangle that does not lie in the level, kNoInput if the file
// or the rectangle cannot be read, kTemporary if that may pass (no memory, a
// failing disk): then nothing is written.
ExitCode RunRead(FileSystem& files, const ReadOptions& options);

void AddReadCommand(CLI::App& app, CommandAction& action);

}  // namespace cyto8
