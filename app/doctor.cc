// SPDX-License-Identifier: Apache-2.0
// The checks; see doctor.h.
#include "app/doctor.h"

#include <algorithm>
#include <string_view>

#include "app/console.h"
#include "app/settings_value.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;

std::string InGiB(int64_t bytes) {
  return FormatFixed(static_cast<double>(bytes) / kGiB, 1) + " GiB";
}

std::string ValueOf(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

Finding Pass(std::string check, std::string fact) {
  return {Verdict::kPass, std::move(check), std::move(fact)};
}

Finding Warn(std::string check, std::string fact, std::string mend) {
  return {Verdict::kWarn, std::move(check), std::move(fact), std::move(mend)};
}

Finding Fail(std::string check, std::string fact, std::string mend) {
  return {Verdict::kFail, std::move(check), std::move(fact), std::move(mend)};
}

Finding CheckCpu(const SystemFacts& facts) {
  const CpuFeatures& cpu = facts.cpu;
  std::string features;
  const auto name = [&](bool has, const char* feature) {
    if (has) features += (features.empty() ? "" : ", ") + std::string(feature);
  };
  name(cpu.avx2, "AVX2");
  name(cpu.avx512, "AVX-512");
  name(cpu.vnni, "VNNI");
  name(cpu.vbmi, "VBMI");
  const std::string fact = cpu.model + ": " +
                           (features.empty() ? "no AVX2" : features) +
                           "; oneDNN uses " + cpu.onednn_path;
  if (cpu.avx2) return Pass("cpu", fact);
  return Warn("cpu", fact,
              "scoring works but is slow: use a processor with AVX2, or with "
              "AVX-512 VNNI for full speed");
}

Finding CheckCores(const SystemFacts& facts) {
  const ResourceFacts& resources = facts.resources;
  ResourceFacts without_omp = resources;
  without_omp.omp_num_threads.reset();
  const int64_t may_use = UsableCpus(without_omp);
  std::string fact = std::to_string(UsableCpus(resources)) +
                     " threads by default; the process may run on " +
                     std::to_string(resources.affinity_cpus) + " processors";
  fact += resources.quota_cpus
              ? ", control group quota " + FormatShortest(*resources.quota_cpus)
              : ", no quota";
  if (UsableCpus(resources) >= may_use) return Pass("cores", fact);
  return Warn(
      "cores", fact,
      "OMP_NUM_THREADS = " + std::to_string(*resources.omp_num_threads) +
          " leaves processors idle: unset it or raise it");
}

Finding CheckMemory(const SystemFacts& facts) {
  constexpr int64_t kEnough = 2 * kGiB;
  constexpr int64_t kLeast = kGiB / 2;
  const std::optional<int64_t> bytes = MemoryLimitBytes(facts.resources);
  if (!bytes) {
    return Warn("memory", "the limit is unknown", "mount /proc and /sys");
  }
  const std::string fact = InGiB(*bytes) + " usable";
  const std::string mend =
      "raise the limit of the control group (memory.max) or of the shell "
      "(ulimit -v) to 2 GiB or more";
  if (*bytes < kLeast) return Fail("memory", fact, mend);
  return *bytes < kEnough ? Warn("memory", fact, mend) : Pass("memory", fact);
}

std::string_view MajorOf(std::string_view version) {
  return version.substr(0, version.find('.'));
}

Finding CheckLibrary(const LibraryFacts& library) {
  const std::string check = "library " + library.name;
  if (library.compiled == library.running) {
    return Pass(check, library.running);
  }
  const std::string fact =
      library.running + ", but compiled against " + library.compiled;
  const std::string mend =
      "build cyto8 again with the installed library, or "
      "install " +
      library.name + " " + library.compiled;
  return MajorOf(library.compiled) == MajorOf(library.running)
             ? Warn(check, fact, mend)
             : Fail(check, fact, mend);
}

Finding CheckFolder(const FolderFacts& folder) {
  constexpr int64_t kEnough = 2 * kGiB;
  constexpr int64_t kLeast = 64 * kMiB;
  const Verdict worst = folder.is_needed ? Verdict::kFail : Verdict::kWarn;
  if (!folder.trial.ok()) {
    return {worst, folder.purpose,
            folder.path + ": cannot be written: " + folder.trial.message(),
            "choose another folder, or make this one writable; rename and "
            "fsync must work there"};
  }
  const std::string fact =
      folder.path + ": writing, fsync and rename work" +
      (folder.free_bytes ? ", " + InGiB(*folder.free_bytes) + " free" : "");
  const std::string mend = "free some space, or choose another folder";
  const int64_t free_bytes = folder.free_bytes.value_or(kEnough);
  if (free_bytes < kLeast) return {worst, folder.purpose, fact, mend};
  return free_bytes < kEnough ? Warn(folder.purpose, fact, mend)
                              : Pass(folder.purpose, fact);
}

// Variables by which the libraries' own thread pools are steered.
Finding CheckThreadVariables(const SystemFacts& facts) {
  const std::string omp = ValueOf(facts.environment, "OMP_NUM_THREADS");
  if (!omp.empty() && !facts.resources.omp_num_threads) {
    return Warn("thread variables", "OMP_NUM_THREADS = \"" + omp + "\"",
                "it is ignored: make it a whole number from 1, or unset it");
  }
  for (const char* name :
       {"OMP_PROC_BIND", "GOMP_CPU_AFFINITY", "OMP_PLACES"}) {
    const std::string value = ValueOf(facts.environment, name);
    if (value.empty() || value == "false") continue;
    return Warn("thread variables", std::string(name) + " = \"" + value + "\"",
                "it may pin all threads to one processor: unset it");
  }
  return Pass("thread variables",
              omp.empty() ? "none is set"
                          : "OMP_NUM_THREADS = " + omp + " is an upper bound");
}

Finding CheckLocale(const SystemFacts& facts) {
  if (facts.decimal_point == ".") {
    return Pass("locale", "numbers are written with a point");
  }
  return Fail("locale", "the decimal point is \"" + facts.decimal_point + "\"",
              "set LC_ALL=C.UTF-8");
}

std::vector<Finding> CheckConfig(const SystemFacts& facts) {
  std::vector<Finding> findings;
  if (!facts.config.ok()) {
    findings.push_back(Fail("configuration", facts.config.message(),
                            "mend the value; cyto8 config check FILE lists "
                            "all mistakes of a file"));
  } else {
    std::string list;
    for (const std::string& file : facts.config_files) {
      list += (list.empty() ? "" : ", ") + file;
    }
    findings.push_back(Pass(
        "configuration", list.empty() ? "no file is read" : "read: " + list));
  }
  for (const std::string& warning : facts.config_warnings) {
    findings.push_back(
        Warn("configuration", warning, "cyto8 config show tells what holds"));
  }
  return findings;
}

Finding CheckModel(const SystemFacts& facts) {
  if (!facts.config.ok()) {
    return Pass("model", "not checked: the configuration is refused");
  }
  if (facts.model.empty()) {
    return Pass("model", "not checked: none is given");
  }
  if (facts.model_status.ok()) {
    return Pass("model", facts.model + ": card, hash and network are sound");
  }
  return Fail("model", facts.model_status.message(),
              "give --model a card with its model file, unchanged, beside it");
}

// Run times and file dates come from it.
Finding CheckClock(const SystemFacts& facts) {
  constexpr int64_t kYear2024 = 1'704'067'200;
  constexpr int64_t kYear2100 = 4'102'444'800;
  if (facts.now_s >= kYear2024 && facts.now_s < kYear2100) {
    return Pass("clock", "plausible");
  }
  return Warn("clock",
              std::to_string(facts.now_s) + " s since 1970: is not plausible",
              "set the clock of the machine; the dates in run.json come from "
              "it");
}

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "PASS";
    case Verdict::kWarn:
      return "WARN";
    case Verdict::kFail:
      return "FAIL";
  }
  return "";
}

Verdict Worst(std::span<const Finding> findings) {
  Verdict worst = Verdict::kPass;
  for (const Finding& finding : findings) {
    worst = std::max(worst, finding.verdict);
  }
  return worst;
}

}  // namespace

std::vector<Finding> Diagnose(const SystemFacts& facts) {
  std::vector<Finding> findings = {CheckCpu(facts), CheckCores(facts),
                                   CheckMemory(facts)};
  for (const LibraryFacts& library : facts.libraries) {
    findings.push_back(CheckLibrary(library));
  }
  for (const FolderFacts& folder : facts.folders) {
    findings.push_back(CheckFolder(folder));
  }
  findings.push_back(CheckThreadVariables(facts));
  findings.push_back(CheckLocale(facts));
  for (Finding& finding : CheckConfig(facts)) {
    findings.push_back(std::move(finding));
  }
  findings.push_back(CheckModel(facts));
  findings.push_back(CheckClock(facts));
  return findings;
}

ExitCode ExitCodeOf(std::span<const Finding> findings) {
  return Worst(findings) == Verdict::kFail ? ExitCode::kGateFailed
                                           : ExitCode::kWhole;
}

std::string FindingsText(std::span<const Finding> findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += std::string(NameOf(finding.verdict)) + "  " + finding.check + ": " +
            Printable(finding.fact) + "\n";
    if (!finding.mend.empty()) {
      text += "      mend: " + Printable(finding.mend) + "\n";
    }
  }
  return text;
}

std::string FindingsJson(std::span<const Finding> findings) {
  std::string checks;
  for (const Finding& finding : findings) {
    const std::string mend =
        finding.mend.empty() ? "null" : JsonQuoted(finding.mend);
    checks += (checks.empty() ? "" : ",") + std::string("\n    {\"check\": ") +
              JsonQuoted(finding.check) + ", \"verdict\": \"" +
              NameOf(finding.verdict) +
              "\", \"fact\": " + JsonQuoted(finding.fact) +
              ", \"mend\": " + mend + "}";
  }
  return "{\n  \"verdict\": \"" + std::string(NameOf(Worst(findings))) +
         "\",\n  \"checks\": [" + checks + "\n  ]\n}\n";
}

}  // namespace cyto8
