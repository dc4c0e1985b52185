// SPDX-License-Identifier: Apache-2.0
// run.json: what was run, with what, on what, and how each image ended
// (docs/formats.md, section 3). Tested by tests/app/run_manifest_test.cc.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/exit_code.h"
#include "app/load_model.h"
#include "app/score_result.h"

namespace cyto8 {

struct RunFacts {
  std::vector<std::string> command;  // argv.
  std::string engine;
  std::string host;
  std::string cpu;
  std::string started;   // UTC, ISO 8601.
  std::string finished;  // likewise.
  int64_t overlap_px = 0;
  ExitCode exit_code = ExitCode::kWhole;
};

// JSON, indented, ending in a line feed. Text that is not UTF-8 is replaced.
std::string RunManifestText(const RunFacts& facts, const LoadedModel& model,
                            std::span<const SlideResult> slides);

std::string HostName();
std::string CpuModel();  // from /proc/cpuinfo, or "unknown".
std::string UtcNow();    // "2026-01-31T12:00:00Z".

}  // namespace cyto8
