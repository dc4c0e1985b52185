// SPDX-License-Identifier: Apache-2.0
// Tests of app/cpu_quota.h: the kernel's texts, sound and odd, and what they
// add up to.
#include "app/cpu_quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kV2Mount =
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
constexpr std::string_view kV1Mounts =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
    "rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

std::vector<std::string> Paths(const std::vector<CgroupFolder>& folders) {
  std::vector<std::string> paths;
  for (const CgroupFolder& folder : folders) {
    paths.push_back((folder.is_v2 ? "2:" : "1:") + folder.path);
  }
  return paths;
}

TEST(CpuQuotaTest, UsableCpusIsTheSmallestAndAtLeastOne) {
  EXPECT_EQ(UsableCpus({.affinity_cpus = 8}), 8);
  EXPECT_EQ(UsableCpus({.affinity_cpus = 8, .quota_cpus = 2.0}), 2);
  EXPECT_EQ(UsableCpus({.affinity_cpus = 8, .quota_cpus = 2.01}), 3);
  EXPECT_EQ(UsableCpus({.affinity_cpus = 8, .quota_cpus = 0.1}), 1);
  EXPECT_EQ(UsableCpus({.affinity_cpus = 8, .quota_cpus = 1e300}), 8);
  EXPECT_EQ(UsableCpus({.affinity_cpus = 8, .omp_num_threads = 3}), 3);
  EXPECT_EQ(UsableCpus({.affinity_cpus = 8, .omp_num_threads = 99}), 8);
  EXPECT_EQ(UsableCpus({.affinity_cpus = 0}), 1);
}

TEST(CpuQuotaTest, MemoryLimitIsTheSmallestKnown) {
  EXPECT_EQ(MemoryLimitBytes({}), std::nullopt);
  EXPECT_EQ(MemoryLimitBytes({.physical_memory_bytes = 9}), 9);
  EXPECT_EQ(MemoryLimitBytes({.physical_memory_bytes = 9,
                              .cgroup_memory_bytes = 7,
                              .rlimit_memory_bytes = 8}),
            7);
  EXPECT_EQ(MemoryLimitBytes({.rlimit_memory_bytes = 8}), 8);
}

TEST(CpuQuotaTest, CpuMax) {
  EXPECT_EQ(ParseCpuMax("max 100000\n"), std::nullopt);
  EXPECT_EQ(ParseCpuMax("150000 100000\n"), 1.5);
  EXPECT_EQ(ParseCpuMax("200000 100000"), 2);
  for (const std::string_view text :
       {"", "\n", "max", "100000", "100000 0", "0 100000", "-1 100000", "1 2 3",
        "a b", "99999999999999999999 1", "nan 1", "1.5 1"}) {
    EXPECT_EQ(ParseCpuMax(text), std::nullopt) << text;
  }
}

TEST(CpuQuotaTest, CfsQuota) {
  EXPECT_EQ(ParseCfsQuota("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(ParseCfsQuota("250000\n", "100000\n"), 2.5);
  EXPECT_EQ(ParseCfsQuota("", "100000"), std::nullopt);
  EXPECT_EQ(ParseCfsQuota("100000", ""), std::nullopt);
  EXPECT_EQ(ParseCfsQuota("100000", "0"), std::nullopt);
}

TEST(CpuQuotaTest, MemoryMax) {
  EXPECT_EQ(ParseMemoryMax("max\n"), std::nullopt);
  EXPECT_EQ(ParseMemoryMax("536870912\n"), 536870912);
  EXPECT_EQ(ParseMemoryMax("9223372036854771712\n"), std::nullopt);
  EXPECT_EQ(ParseMemoryMax("99999999999999999999\n"), std::nullopt);
  EXPECT_EQ(ParseMemoryMax("0"), std::nullopt);
  EXPECT_EQ(ParseMemoryMax(""), std::nullopt);
}

TEST(CpuQuotaTest, OmpNumThreads) {
  EXPECT_EQ(ParseOmpNumThreads("4"), 4);
  EXPECT_EQ(ParseOmpNumThreads(" 4 , 2"), 4);
  for (const std::string_view text :
       {"", "0", "-1", "many", "4x", ",4", "2147483648"}) {
    EXPECT_EQ(ParseOmpNumThreads(text), std::nullopt) << text;
  }
}

TEST(CpuQuotaTest, GroupsOfV2UpToTheMount) {
  EXPECT_THAT(Paths(CgroupFolders("0::/a/b\n", kV2Mount, "cpu")),
              ElementsAre("2:/sys/fs/cgroup/a/b", "2:/sys/fs/cgroup/a",
                          "2:/sys/fs/cgroup"));
  EXPECT_THAT(Paths(CgroupFolders("0::/\n", kV2Mount, "memory")),
              ElementsAre("2:/sys/fs/cgroup"));
}

TEST(CpuQuotaTest, GroupsOfV1ByController) {
  constexpr std::string_view kSelf =
      "4:memory:/m/x\n3:cpuset:/s\n2:cpu,cpuacct:/c\n1:name=systemd:/\n0::/\n";
  EXPECT_THAT(Paths(CgroupFolders(kSelf, kV1Mounts, "cpu")),
              ElementsAre("1:/sys/fs/cgroup/cpu,cpuacct/c",
                          "1:/sys/fs/cgroup/cpu,cpuacct"));
  EXPECT_THAT(
      Paths(CgroupFolders(kSelf, kV1Mounts, "memory")),
      ElementsAre("1:/sys/fs/cgroup/memory/m/x", "1:/sys/fs/cgroup/memory/m",
                  "1:/sys/fs/cgroup/memory"));
}

// In a container the group's own folder is mounted, or another's.
TEST(CpuQuotaTest, MountsOfAPartOfTheHierarchy) {
  constexpr std::string_view kMount =
      "31 23 0:28 /docker/abc /sys/fs/my\\040cgroup ro - cgroup2 cgroup rw\n";
  EXPECT_THAT(Paths(CgroupFolders("0::/docker/abc\n", kMount, "cpu")),
              ElementsAre("2:/sys/fs/my cgroup"));
  EXPECT_THAT(Paths(CgroupFolders("0::/docker/abc/x\n", kMount, "cpu")),
              ElementsAre("2:/sys/fs/my cgroup/x", "2:/sys/fs/my cgroup"));
  EXPECT_THAT(Paths(CgroupFolders("0::/docker/abcd\n", kMount, "cpu")),
              ElementsAre("2:/sys/fs/my cgroup"));
  EXPECT_THAT(Paths(CgroupFolders("0::/../../x\n", kV2Mount, "cpu")),
              ElementsAre("2:/sys/fs/cgroup"));
}

TEST(CpuQuotaTest, OddTextsGiveNoFolder) {
  for (const std::string_view self :
       {"", "\n", "0", "0:", "::", "4:memory", "x:y:z"}) {
    for (const std::string_view mounts :
         {"", "-", "a b c d e - cgroup2", "- cgroup2 x rw",
          "1 2 3 4 - cgroup2 x rw"}) {
      EXPECT_THAT(CgroupFolders(self, mounts, "cpu"), IsEmpty());
    }
  }
}

class ProbeTest : public testing::Test {
 protected:
  void Put(const std::string& name, std::string_view text) {
    const std::filesystem::path path = folder_.PathOf(name);
    std::filesystem::create_directories(path.parent_path());
    folder_.Put(name, text);
  }
  ResourceFacts Probe(const Environment& environment = {}) {
    return ProbeResources(RealFileSystem(), environment, folder_.path());
  }

  TemporaryFolder folder_;
};

TEST_F(ProbeTest, TheTightestOfNestedGroupsCounts) {
  Put("proc/self/cgroup", "0::/a/b\n");
  Put("proc/self/mountinfo", kV2Mount);
  Put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  Put("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  Put("sys/fs/cgroup/cpu.max", "400000 100000\n");
  Put("sys/fs/cgroup/a/b/memory.max", "2000000000\n");
  Put("sys/fs/cgroup/a/memory.max", "1000000000\n");
  const ResourceFacts facts = Probe({{"OMP_NUM_THREADS", "3"}});
  EXPECT_EQ(facts.quota_cpus, 1.5);
  EXPECT_EQ(facts.cgroup_memory_bytes, 1000000000);
  EXPECT_EQ(facts.omp_num_threads, 3);
  EXPECT_GE(facts.affinity_cpus, 1);
  EXPECT_GT(facts.physical_memory_bytes, 0);
}

TEST_F(ProbeTest, VersionOneIsReadToo) {
  Put("proc/self/cgroup", "4:memory:/m\n2:cpu,cpuacct:/c\n0::/\n");
  Put("proc/self/mountinfo", kV1Mounts);
  Put("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "50000\n");
  Put("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n");
  Put("sys/fs/cgroup/memory/m/memory.limit_in_bytes", "12345678\n");
  EXPECT_EQ(Probe().quota_cpus, 0.5);
  EXPECT_EQ(Probe().cgroup_memory_bytes, 12345678);
  EXPECT_EQ(UsableCpus(Probe()), 1);
}

TEST_F(ProbeTest, WithoutAnyFileThereIsNoLimit) {
  const ResourceFacts facts = Probe({{"OMP_NUM_THREADS", "no"}});
  EXPECT_EQ(facts.quota_cpus, std::nullopt);
  EXPECT_EQ(facts.cgroup_memory_bytes, std::nullopt);
  EXPECT_EQ(facts.omp_num_threads, std::nullopt);
}

}  // namespace
}  // namespace cyto8
