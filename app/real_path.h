// SPDX-License-Identifier: Apache-2.0
// Whether two paths name the same place. A path need not exist, and one that
// cannot be looked up stays as it is written. Tested by
// tests/app/real_path_test.cc.
#pragma once

#include <filesystem>
#include <string>

namespace cyto8 {

// Without ".", ".." and a slash at the end; links are not followed. Below "/"
// if there is no working folder.
std::filesystem::path AbsolutePath(const std::string& path);

// The same place has one name here, whatever links lead to it.
std::filesystem::path RealPath(const std::string& path);

// Whether the path is the folder itself or below it; both as RealPath gives.
bool LiesIn(const std::filesystem::path& path,
            const std::filesystem::path& folder);

}  // namespace cyto8
