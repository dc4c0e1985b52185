// SPDX-License-Identifier: Apache-2.0
// Where the um/px of an image comes from: a flag, a side file, or the image
// itself (docs/formats.md, section 6). Tested by tests/app/mpp_source_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/name_index.h"
#include "base/status.h"

namespace cyto8 {

// What a side file says of one image; um/px in [kMinMpp, kMaxMpp] of
// tiling/resample.h.
struct SideEntry {
  std::optional<double> mpp = std::nullopt;        // um per pixel.
  std::optional<int64_t> image_id = std::nullopt;  // of a COCO file.
};

// A side file: entries by the name that the file gives. Immutable.
class SideFile {
 public:
  // COCO JSON or CSV, told apart by content. kInvalidArgument with line or
  // field, value and range; names that occur twice with other values are
  // refused when looked up.
  static StatusOr<SideFile> Parse(std::span<const std::byte> bytes,
                                  const Limits& limits);

  // By relative path, else by base name. No entry: an empty one. An ambiguous
  // name is kInvalidArgument.
  StatusOr<SideEntry> Find(std::string_view relative_path) const;

  size_t size() const { return entries_.size(); }

 private:
  friend class SideFileBuilder;
  std::multimap<std::string, SideEntry, std::less<>> entries_;  // by name.
  NameIndex names_;
};

struct Mpp {
  double value = 0;         // um per pixel; 0: unknown.
  std::string source = {};  // "--mpp", "--mpp-from", "file", of a slide the
                            // name of the field; empty: unknown.

  bool is_known() const { return value > 0; }
};

// The first source that knows; kInvalidArgument if none does.
StatusOr<Mpp> ResolveMpp(std::optional<double> flag,
                         std::optional<double> side_file,
                         std::optional<double> image_file);

}  // namespace cyto8
