// SPDX-License-Identifier: Apache-2.0
// The images that the arguments of `cyto8 score` mean: files as they are,
// folders with all images below them. Names are bytes. Tested by
// tests/app/input_list_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

struct InputList {
  // In the order of the arguments; those of a folder by the bytes of their
  // path below it.
  std::vector<std::string> images = {};
  // Files of folders that are no images, by lower-case extension with its dot.
  std::map<std::string, int64_t> left_out = {};
  // Folders that could not be looked at: no image of theirs is in the list.
  std::vector<Status> unreadable = {};
};

struct InputListOptions {
  std::string output = {};  // folder for the results; never walked into.
  Limits limits = {};
};

// An argument that is no folder, or does not exist, is taken as it is. Folders
// are walked to their depths: regular files and links to files with the
// extensions jpg, jpeg, jpe, png, tif, tiff in any case are taken; names that
// begin with a dot and links to folders are passed over, so nothing is met
// twice. kInvalidArgument if a file is given twice (paths are compared after
// lexical normalisation), or for more than limits.max_images.
StatusOr<InputList> ListInputs(FileSystem& files,
                               std::span<const std::string> arguments,
                               const InputListOptions& options);

// "left out: 3 .svs, 1 .txt, 2 without extension", or nothing.
std::string DescribeLeftOut(const InputList& list);

}  // namespace cyto8
