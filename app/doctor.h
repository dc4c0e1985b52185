// SPDX-License-Identifier: Apache-2.0
// Whether this machine, its libraries and its settings will do, with the mend
// where they will not. Pure: facts in, findings out; doctor_probe.h gathers the
// facts. Tested by tests/app/doctor_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/cpu_quota.h"
#include "app/environment.h"
#include "app/exit_code.h"
#include "base/status.h"

namespace cyto8 {

struct CpuFeatures {
  std::string model = {};
  bool avx2 = false;
  bool avx512 = false;  // F, BW, DQ and VL.
  bool vnni = false;    // AVX-512 VNNI.
  bool vbmi = false;
  std::string onednn_path = {};  // the instruction set that oneDNN would use.
};

// A library at compile time and as it was loaded.
struct LibraryFacts {
  std::string name;
  std::string compiled;  // "2021.8.0".
  std::string running;
};

// What came of writing, syncing and renaming a file in a folder.
struct FolderFacts {
  std::string purpose = {};  // "temporary folder", "output folder".
  std::string path = {};     // where it was tried.
  bool is_needed = true;     // else a failure is only a warning.
  Status trial = {};
  std::optional<int64_t> free_bytes = std::nullopt;
};

struct SystemFacts {
  CpuFeatures cpu = {};
  ResourceFacts resources = {};
  std::vector<LibraryFacts> libraries = {};
  std::vector<FolderFacts> folders = {};
  Environment environment = {};
  std::string decimal_point = ".";                // of the C library's locale.
  Status config = {};                             // of resolving the settings.
  std::vector<std::string> config_files = {};     // those read.
  std::vector<std::string> config_warnings = {};  // of unknown variables.
  std::string model = {};                         // as given; empty: none was.
  Status model_status = {};
  int64_t now_s = 0;  // seconds since 1970.
};

enum class Verdict { kPass, kWarn, kFail };

struct Finding {
  Verdict verdict = Verdict::kPass;
  std::string check;      // "cpu", "memory".
  std::string fact;       // what was seen.
  std::string mend = {};  // what to do; empty for kPass.
};

// All checks in a fixed order.
std::vector<Finding> Diagnose(const SystemFacts& facts);

// kWhole without a kFail, else kGateFailed.
ExitCode ExitCodeOf(std::span<const Finding> findings);

// One line a finding, its mend below it.
std::string FindingsText(std::span<const Finding> findings);

// {"verdict", "checks": [{"check", "verdict", "fact", "mend"}]}.
std::string FindingsJson(std::span<const Finding> findings);

}  // namespace cyto8
