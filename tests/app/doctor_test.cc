// SPDX-License-Identifier: Apache-2.0
// Tests of app/doctor.h and doctor_probe.h: every finding from made-up facts,
// with its mend, and the trial of folders.
#include "app/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "app/doctor_probe.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kGiB = int64_t{1} << 30;

SystemFacts Sound() {
  SystemFacts facts;
  facts.cpu = {.model = "Chip",
               .avx2 = true,
               .avx512 = true,
               .vnni = true,
               .vbmi = true,
               .onednn_path = "AVX-512 with VNNI"};
  facts.resources = {.affinity_cpus = 4, .physical_memory_bytes = 8 * kGiB};
  facts.libraries = {{"oneTBB", "2021.8", "2021.8"}};
  facts.folders = {
      {.purpose = "output folder", .path = "/o", .free_bytes = 100 * kGiB}};
  facts.now_s = 1'800'000'000;
  return facts;
}

// The finding of that check, as one line.
std::string Line(const SystemFacts& facts, const std::string& check) {
  for (const Finding& finding : Diagnose(facts)) {
    if (finding.check != check) continue;
    const std::string text = FindingsText(std::span(&finding, 1));
    EXPECT_EQ(finding.verdict == Verdict::kPass, finding.mend.empty());
    return text.substr(0, text.find('\n'));
  }
  return "no such check";
}

TEST(DoctorTest, ASoundMachinePasses) {
  const std::vector<Finding> findings = Diagnose(Sound());
  EXPECT_EQ(FindingsText(findings),
            "PASS  cpu: Chip: AVX2, AVX-512, VNNI, VBMI; oneDNN uses AVX-512 "
            "with VNNI\n"
            "PASS  cores: 4 threads by default; the process may run on 4 "
            "processors, no quota\n"
            "PASS  memory: 8.0 GiB usable\n"
            "PASS  library oneTBB: 2021.8\n"
            "PASS  output folder: /o: writing, fsync and rename work, 100.0 "
            "GiB free\n"
            "PASS  thread variables: none is set\n"
            "PASS  locale: numbers are written with a point\n"
            "PASS  configuration: no file is read\n"
            "PASS  model: not checked: none is given\n"
            "PASS  clock: plausible\n");
  EXPECT_EQ(ExitCodeOf(findings), ExitCode::kWhole);
}

TEST(DoctorTest, Cpu) {
  SystemFacts facts = Sound();
  facts.cpu = {.model = "Old", .onednn_path = "SSE4.1"};
  EXPECT_EQ(Line(facts, "cpu"), "WARN  cpu: Old: no AVX2; oneDNN uses SSE4.1");
}

TEST(DoctorTest, Cores) {
  SystemFacts facts = Sound();
  facts.resources.quota_cpus = 1.5;
  EXPECT_EQ(Line(facts, "cores"),
            "PASS  cores: 2 threads by default; the process may run on 4 "
            "processors, control group quota 1.5");
  facts.resources.omp_num_threads = 1;
  EXPECT_EQ(Line(facts, "cores"),
            "WARN  cores: 1 threads by default; the process may run on 4 "
            "processors, control group quota 1.5");
}

TEST(DoctorTest, Memory) {
  SystemFacts facts = Sound();
  facts.resources.cgroup_memory_bytes = kGiB;
  EXPECT_EQ(Line(facts, "memory"), "WARN  memory: 1.0 GiB usable");
  facts.resources.rlimit_memory_bytes = kGiB / 10;
  EXPECT_EQ(Line(facts, "memory"), "FAIL  memory: 0.1 GiB usable");
  facts.resources = {};
  EXPECT_EQ(Line(facts, "memory"), "WARN  memory: the limit is unknown");
}

TEST(DoctorTest, Libraries) {
  SystemFacts facts = Sound();
  facts.libraries[0].running = "2021.9";
  EXPECT_EQ(Line(facts, "library oneTBB"),
            "WARN  library oneTBB: 2021.9, but compiled against 2021.8");
  facts.libraries[0].running = "2022.0";
  EXPECT_EQ(Line(facts, "library oneTBB"),
            "FAIL  library oneTBB: 2022.0, but compiled against 2021.8");
}

TEST(DoctorTest, Folders) {
  SystemFacts facts = Sound();
  FolderFacts& folder = facts.folders[0];
  folder.free_bytes = kGiB;
  EXPECT_THAT(Line(facts, "output folder"), HasSubstr("WARN  "));
  folder.free_bytes = 1000;
  EXPECT_EQ(Line(facts, "output folder"),
            "FAIL  output folder: /o: writing, fsync and rename work, 0.0 GiB "
            "free");
  folder.is_needed = false;
  EXPECT_THAT(Line(facts, "output folder"), HasSubstr("WARN  "));
  folder.free_bytes.reset();
  EXPECT_EQ(Line(facts, "output folder"),
            "PASS  output folder: /o: writing, fsync and rename work");
  folder.trial = ErrnoStatus(EROFS, "/o/x");
  EXPECT_THAT(Line(facts, "output folder"), HasSubstr("WARN  "));
  folder.is_needed = true;
  EXPECT_EQ(Line(facts, "output folder"),
            "FAIL  output folder: /o: cannot be written: /o/x: Read-only file "
            "system");
}

TEST(DoctorTest, ThreadVariables) {
  SystemFacts facts = Sound();
  facts.environment = {{"OMP_NUM_THREADS", "lots"}};
  EXPECT_EQ(Line(facts, "thread variables"),
            "WARN  thread variables: OMP_NUM_THREADS = \"lots\"");
  facts.resources.omp_num_threads = 8;
  facts.environment = {{"OMP_NUM_THREADS", "8"}};
  EXPECT_EQ(Line(facts, "thread variables"),
            "PASS  thread variables: OMP_NUM_THREADS = 8 is an upper bound");
  facts.environment["OMP_PROC_BIND"] = "true";
  EXPECT_EQ(Line(facts, "thread variables"),
            "WARN  thread variables: OMP_PROC_BIND = \"true\"");
  facts.environment["OMP_PROC_BIND"] = "false";
  EXPECT_THAT(Line(facts, "thread variables"), HasSubstr("PASS"));
}

TEST(DoctorTest, LocaleClockConfigurationModel) {
  SystemFacts facts = Sound();
  facts.decimal_point = ",";
  EXPECT_EQ(Line(facts, "locale"), "FAIL  locale: the decimal point is \",\"");
  facts.now_s = 0;
  EXPECT_EQ(Line(facts, "clock"),
            "WARN  clock: 0 s since 1970: is not plausible");
  facts.now_s = 4'102'444'800;
  EXPECT_THAT(Line(facts, "clock"), HasSubstr("WARN"));
  facts.config_files = {"a", "b"};
  EXPECT_EQ(Line(facts, "configuration"), "PASS  configuration: read: a, b");
  facts.model = "m";
  EXPECT_EQ(Line(facts, "model"),
            "PASS  model: m: card, hash and network are sound");
  facts.model_status = InvalidArgument("m: broken\nx");
  EXPECT_EQ(Line(facts, "model"), "FAIL  model: m: broken?x");
  facts.config = InvalidArgument("c: wrong");
  EXPECT_EQ(Line(facts, "configuration"), "FAIL  configuration: c: wrong");
  EXPECT_EQ(Line(facts, "model"),
            "PASS  model: not checked: the configuration is refused");
  EXPECT_EQ(ExitCodeOf(Diagnose(facts)), ExitCode::kGateFailed);
}

TEST(DoctorTest, WarningsDoNotFail) {
  SystemFacts facts = Sound();
  facts.config_warnings = {"environment CYTO8_X: unknown variable"};
  const std::vector<Finding> findings = Diagnose(facts);
  EXPECT_EQ(ExitCodeOf(findings), ExitCode::kWhole);
  EXPECT_THAT(FindingsText(findings),
              HasSubstr("WARN  configuration: environment CYTO8_X: unknown "
                        "variable\n      mend: cyto8 config show"));
}

TEST(DoctorTest, JsonIsOfTheSameFindings) {
  const std::vector<Finding> findings = {
      {Verdict::kPass, "a", "fine"},
      {Verdict::kWarn, "b", "say \"x\"\n", "mend it"}};
  EXPECT_EQ(FindingsJson(findings),
            "{\n  \"verdict\": \"WARN\",\n  \"checks\": [\n"
            "    {\"check\": \"a\", \"verdict\": \"PASS\", \"fact\": \"fine\", "
            "\"mend\": null},\n"
            "    {\"check\": \"b\", \"verdict\": \"WARN\", \"fact\": \"say "
            "\\\"x\\\"\\n\", \"mend\": \"mend it\"}\n  ]\n}\n");
}

TEST(DoctorProbeTest, AFolderIsTriedAndLeftAsItWas) {
  const TemporaryFolder folder;
  const FolderFacts facts =
      TryFolder(RealFileSystem(), "output folder", folder.path());
  EXPECT_TRUE(facts.trial.ok());
  EXPECT_GT(facts.free_bytes.value_or(0), 0);
  EXPECT_THAT(folder.Names(), ElementsAre());
}

TEST(DoctorProbeTest, EveryFailingCallOfTheTrialIsSeen) {
  const TemporaryFolder folder;
  FaultyFileSystem files(RealFileSystem());
  for (const FileCall call :
       {FileCall::kCreateNew, FileCall::kWrite, FileCall::kSync,
        FileCall::kRename, FileCall::kRemove}) {
    files.Arm({.kind = call, .error_number = ENOSPC});
    EXPECT_FALSE(TryFolder(files, "output folder", folder.path()).trial.ok());
    EXPECT_EQ(files.open_files(), 0);
  }
}

TEST(DoctorProbeTest, LibrariesOfThisBuildAgreeInTheirMajorVersion) {
  for (const LibraryFacts& library : LinkedLibraries()) {
    EXPECT_THAT(library.compiled, testing::MatchesRegex("[0-9.]+"))
        << library.name;
    EXPECT_THAT(library.running, testing::MatchesRegex("[0-9.]+"))
        << library.name;
  }
  EXPECT_FALSE(OneDnnPath().empty());
}

}  // namespace
}  // namespace cyto8
