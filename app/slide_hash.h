// SPDX-License-Identifier: Apache-2.0
// What identifies a slide: SHA-256 of all of its bytes. Tested by
// tests/app/slide_hash_test.cc.
#pragma once

#include <stop_token>
#include <string>

#include "base/file_system.h"
#include "base/sha256.h"
#include "base/status.h"

namespace cyto8 {

// That of the file. Where a slide is several files and its path names an index
// (MIRAX .mrxs; Hamamatsu .vms and .vmu), that of the lines "SHA-256  name\n"
// of all of them: the index, what lies beside it and begins with its name
// without the extension, and what lies in the folder of that name, in the order
// of the names as the lines have them. kUnavailable once a stop was asked for.
StatusOr<Sha256Digest> HashOfSlide(FileSystem& files, const std::string& path,
                                   const std::stop_token& stop = {});

// Whether the path names an index of several files.
bool IsSlideIndex(const std::string& path);

}  // namespace cyto8
