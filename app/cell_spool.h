// SPDX-License-Identifier: Apache-2.0
// The cells of a slide while its tiles are still in work. A crowded slide has
// hundreds of thousands: those beyond a number wait on disk, so that memory
// does not grow with the slide. Tested by tests/app/cell_spool_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/detection.h"
#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

struct CellSpoolOptions {
  FileSystem* files = nullptr;  // outlives the spool.
  // A file that is not there; it has no name any more as soon as it is open, so
  // whoever is killed leaves nothing. Empty: all stay in memory.
  std::string path = {};
  int64_t held = 1 << 14;  // as many stay in memory.
};

// Belongs to one thread.
class CellSpool {
 public:
  explicit CellSpool(CellSpoolOptions options) : options_(std::move(options)) {}
  CellSpool(const CellSpool&) = delete;
  CellSpool& operator=(const CellSpool&) = delete;
  ~CellSpool();

  Status Append(std::span<const Detection> cells);
  int64_t size() const { return on_disk_ + std::ssize(held_); }

  // All, in the order in which they came. Nothing is left.
  StatusOr<std::vector<Detection>> TakeAll();

 private:
  struct Ends {
    int write = -1;
    int read = -1;
  };
  Status Open();
  Status Spill();
  void Close();

  const CellSpoolOptions options_;
  std::vector<Detection> held_;
  int64_t on_disk_ = 0;
  std::optional<Ends> file_;
};

}  // namespace cyto8
