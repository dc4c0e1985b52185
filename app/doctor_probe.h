// SPDX-License-Identifier: Apache-2.0
// The facts that doctor.h judges, gathered from this machine. Tested by
// tests/app/doctor_test.cc.
#pragma once

#include <string>
#include <vector>

#include "app/doctor.h"
#include "app/settings_layers.h"
#include "base/file_system.h"

namespace cyto8 {

// Writes and removes one small file in the folder for temporary files and in
// the output folder, or in the nearest folder above it that exists; loads the
// model if one is set.
SystemFacts ProbeSystem(FileSystem& files, const Environment& environment,
                        const SettingFlags& flags);

// The part that tries a folder.
FolderFacts TryFolder(FileSystem& files, const std::string& purpose,
                      const std::string& path);

// Compile-time and run-time versions of the libraries that have both
// (doctor_libraries.cc).
std::vector<LibraryFacts> LinkedLibraries();
// "avx512_core_vnni" and so on: what oneDNN may use on this processor.
std::string OneDnnPath();

}  // namespace cyto8
