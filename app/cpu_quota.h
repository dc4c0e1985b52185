// SPDX-License-Identifier: Apache-2.0
// How many processors and how much memory this process may use: what the kernel
// lets it run on, the quotas of its control groups (v1 and v2, nested), and the
// upper bound that OMP_NUM_THREADS sets. Tested by tests/app/cpu_quota_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/environment.h"
#include "base/file_system.h"

namespace cyto8 {

struct ResourceFacts {
  int64_t affinity_cpus = 1;  // of sched_getaffinity.
  // Processors' worth of time of the tightest group; none: no quota.
  std::optional<double> quota_cpus = std::nullopt;
  std::optional<int64_t> omp_num_threads = std::nullopt;
  int64_t physical_memory_bytes = 0;  // 0: unknown.
  // Of the tightest group; none: no limit.
  std::optional<int64_t> cgroup_memory_bytes = std::nullopt;
  // The soft limit on the address space or on data, the tighter one.
  std::optional<int64_t> rlimit_memory_bytes = std::nullopt;
};

// The smallest of the affinity, the quota rounded up and OMP_NUM_THREADS; at
// least 1.
int64_t UsableCpus(const ResourceFacts& facts);

// The smallest of all that is known; none if nothing is.
std::optional<int64_t> MemoryLimitBytes(const ResourceFacts& facts);

// The first number of "4" or "4,2"; none if it is not one in [1, 2^31).
std::optional<int64_t> ParseOmpNumThreads(std::string_view text);

// Of this process. What cannot be read sets no limit. `root` stands before
// every path, for tests.
ResourceFacts ProbeResources(FileSystem& files, const Environment& environment,
                             const std::string& root = "");

// The parts, which take the texts of the kernel's files; texts that the kernel
// would not write give no limit.

// "max 100000" or "150000 100000" (cpu.max), in processors.
std::optional<double> ParseCpuMax(std::string_view text);
// cpu.cfs_quota_us and cpu.cfs_period_us; a quota of -1 is none.
std::optional<double> ParseCfsQuota(std::string_view quota,
                                    std::string_view period);
// memory.max or memory.limit_in_bytes; "max" and what v1 writes for none (near
// 2^63) are none.
std::optional<int64_t> ParseMemoryMax(std::string_view text);

// A folder with the files of one control group.
struct CgroupFolder {
  std::string path;
  bool is_v2 = false;
};

// From /proc/self/cgroup and /proc/self/mountinfo, the folders of a controller
// ("cpu", "memory") from the process's own group up to where the hierarchy is
// mounted; v2 folders stand for every controller.
std::vector<CgroupFolder> CgroupFolders(std::string_view self_cgroup,
                                        std::string_view mountinfo,
                                        std::string_view controller);

}  // namespace cyto8
