// SPDX-License-Identifier: Apache-2.0
// run.json: what was run, with what, on what, and how each image ended
// (docs/formats.md, section 3). Tested by tests/app/run_manifest_test.cc.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/exit_code.h"
#include "app/load_model.h"
#include "app/score_result.h"
#include "app/sink.h"
#include "base/status.h"

namespace cyto8 {

struct RunFacts {
  std::vector<std::string> command = {};  // argv.
  // Every option that can change a result, by name, as JSON text: those that
  // the user can set. What the card made of them is added by the writer.
  std::vector<std::pair<std::string, std::string>> settings = {};
  int64_t threads = 1;
  std::string engine = {};
  std::string isa = {};              // that our own kernels used: "avx2".
  std::string schedule = {};         // "throughput" or "latency", never "auto".
  int64_t memory_ceiling_bytes = 0;  // 0: none was stated.
  std::string host = {};
  std::string cpu = {};
  std::string started = {};   // UTC, ISO 8601.
  std::string finished = {};  // likewise.
  ExitCode exit_code = ExitCode::kWhole;
};

// JSON, indented, one image a line, ending in a line feed; written image by
// image. What is not UTF-8 as in base/valid_utf8.h. kInternal if a setting is
// not JSON; else fails as the sink does.
Status WriteRunManifest(const RunFacts& facts, const LoadedModel& model,
                        std::span<const SlideSummary> slides, const Sink& sink);

// "done" if every image is whole, "failed" if none has a result, else
// "partial". A run without images is done.
std::string_view RunStatus(std::span<const SlideSummary> slides);

std::string HostName();
std::string CpuModel();    // from /proc/cpuinfo, or "unknown".
int64_t NanosecondsNow();  // since 1970.
std::string UtcNow();      // "2026-01-31T12:00:00Z".

}  // namespace cyto8
