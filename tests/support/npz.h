// SPDX-License-Identifier: Apache-2.0
// Reads the .npz files of the golden data: a zip archive of .npy members,
// stored or deflated. For trusted test data only.
#pragma once

#include <map>
#include <string>

#include "base/npy.h"
#include "base/status.h"

namespace cyto8 {

// The arrays by name, without ".npy".
using NpzFile = std::map<std::string, NpyArray>;

StatusOr<NpzFile> ReadNpz(const std::string& path);

}  // namespace cyto8
