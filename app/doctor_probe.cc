// SPDX-License-Identifier: Apache-2.0
// Asking the machine; see doctor_probe.h.
#include "app/doctor_probe.h"

#include <unistd.h>

#include <chrono>
#include <clocale>
#include <filesystem>
#include <system_error>
#include <utility>

#include "app/execution.h"
#include "app/load_model.h"
#include "app/real_path.h"
#include "app/run_manifest.h"
#include "base/atomic_file.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

CpuFeatures ProbeCpu() {
  CpuFeatures cpu{.model = CpuModel(), .onednn_path = OneDnnPath()};
#if defined(__x86_64__)
  cpu.avx2 = __builtin_cpu_supports("avx2") != 0;
  cpu.avx512 = __builtin_cpu_supports("avx512f") != 0 &&
               __builtin_cpu_supports("avx512bw") != 0 &&
               __builtin_cpu_supports("avx512dq") != 0 &&
               __builtin_cpu_supports("avx512vl") != 0;
  cpu.vnni = __builtin_cpu_supports("avx512vnni") != 0;
  cpu.vbmi = __builtin_cpu_supports("avx512vbmi") != 0;
#endif
  return cpu;
}

bool IsFolder(FileSystem& files, const std::string& path) {
  const StatusOr<int> folder = files.OpenDirectory(path);
  if (!folder.ok()) return false;
  static_cast<void>(files.Close(*folder, path).ok());  // nothing was written.
  return true;
}

// The folder itself, or the nearest one above it that exists.
std::string ExistingFolder(FileSystem& files, const std::string& path) {
  fs::path folder = AbsolutePath(path);
  while (folder.has_relative_path() && !IsFolder(files, folder.string())) {
    folder = folder.parent_path();
  }
  return folder.string();
}

void ProbeSettings(FileSystem& files, const SettingFlags& flags,
                   SystemFacts& facts) {
  StatusOr<ResolvedSettings> resolved =
      ResolveSettings(files, facts.environment, flags);
  facts.config = resolved.status();
  if (!resolved.ok()) return;
  facts.config_files = std::move(resolved->config_files);
  facts.config_warnings = std::move(resolved->warnings);
  facts.model = resolved->settings.input.model;
  const RunSettings& run = resolved->settings.run;
  const StatusOr<Isa> isa = ChooseIsa(run.isa, UsableIsas());
  if (!isa.ok()) facts.config = isa.status();
  if (!facts.model.empty() && isa.ok()) {
    facts.model_status =
        LoadModel(files,
                  {.path = facts.model, .engine = run.engine, .isa = *isa})
            .status();
  }
  const std::string& output = resolved->settings.output.output;
  if (output.empty()) return;
  facts.folders.push_back(
      TryFolder(files, "output folder", ExistingFolder(files, output)));
}

std::string TemporaryPath(const Environment& environment) {
  const auto found = environment.find("TMPDIR");
  return found == environment.end() || found->second.empty() ? "/tmp"
                                                             : found->second;
}

}  // namespace

FolderFacts TryFolder(FileSystem& files, const std::string& purpose,
                      const std::string& path) {
  FolderFacts facts{.purpose = purpose, .path = path};
  const std::string file = path + "/.cyto8-doctor-" + std::to_string(getpid());
  facts.trial = WriteFileAtomically(files, file, "cyto8 doctor was here\n");
  const Status removed = files.Remove(file);
  if (facts.trial.ok()) facts.trial = removed;
  std::error_code error;
  const fs::space_info space = fs::space(path, error);
  if (!error && space.available < static_cast<uintmax_t>(INT64_MAX)) {
    facts.free_bytes = static_cast<int64_t>(space.available);
  }
  return facts;
}

SystemFacts ProbeSystem(FileSystem& files, const Environment& environment,
                        const SettingFlags& flags) {
  SystemFacts facts{.cpu = ProbeCpu(),
                    .resources = ProbeResources(files, environment),
                    .libraries = LinkedLibraries(),
                    .environment = environment};
  facts.folders.push_back(
      TryFolder(files, "temporary folder", TemporaryPath(environment)));
  facts.folders.back().is_needed = false;  // nothing of ours is written there.
  facts.decimal_point = std::localeconv()->decimal_point;
  ProbeSettings(files, flags, facts);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  facts.now_s = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return facts;
}

}  // namespace cyto8
