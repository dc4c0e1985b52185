// SPDX-License-Identifier: Apache-2.0
// The names under which images appear in results: relative path, folder name,
// image_id (docs/formats.md, section 3). Tested by tests/app/slide_id_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "base/status.h"

namespace cyto8 {

// Each path relative to the deepest folder that all of them share; names are
// made absolute and normalised lexically ("a/../b" is "b"), links are not
// followed.
std::vector<std::string> RelativeToCommonFolder(
    std::span<const std::string> paths);

// Stem (bytes outside [A-Za-z0-9._-] become '_', at most 80) + "-" + the first
// 8 hex digits of the SHA-256 of the relative path.
StatusOr<std::string> SlideId(std::string_view relative_path);

// The first 52 bits of the same hash: exact in a JSON number.
StatusOr<int64_t> HashedImageId(std::string_view relative_path);

// Of any hash.
int64_t ImageIdOf(const Sha256Digest& digest);

}  // namespace cyto8
