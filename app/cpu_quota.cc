// SPDX-License-Identifier: Apache-2.0
// The kernel's texts and their sum; see cpu_quota.h. Formats: man 7 cgroups,
// man 5 proc (mountinfo).
#include "app/cpu_quota.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <span>

#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr std::string_view kBlank = " \t\n";

std::vector<std::string_view> Split(std::string_view text,
                                    std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool Holds(const std::vector<std::string_view>& parts, std::string_view word) {
  return std::ranges::find(parts, word) != parts.end();
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::optional<int64_t> Positive(std::string_view text) {
  const StatusOr<int64_t> value = ParseInt64(text);
  if (!value.ok() || *value <= 0) return std::nullopt;
  return *value;
}

std::optional<double> Ratio(std::optional<int64_t> quota,
                            std::optional<int64_t> period) {
  if (!quota || !period) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

template <typename T>
void TakeSmaller(std::optional<T> value, std::optional<T>& least) {
  if (value && (!least || *value < *least)) least = value;
}

// mountinfo writes a blank, a tab, a line end and a backslash as "\040".
std::string Unescaped(std::string_view text) {
  constexpr size_t kLength = 4;
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    bool is_octal = text[i] == '\\' && i + kLength <= text.size();
    for (size_t k = 1; is_octal && k < kLength; ++k) {
      is_octal = text[i + k] >= '0' && text[i + k] <= '7';
      value = value * 8 + (text[i + k] - '0');
    }
    plain += is_octal ? static_cast<char>(value) : text[i];
    if (is_octal) i += kLength - 1;
  }
  return plain;
}

struct CgroupMount {
  std::string root;   // the group that is mounted.
  std::string point;  // the folder where.
};

// 36 35 98:0 ROOT POINT options [tags...] - TYPE source super-options
std::optional<CgroupMount> ParseMount(std::string_view line,
                                      std::string_view controller) {
  constexpr size_t kRoot = 3;
  constexpr size_t kPoint = 4;
  const std::vector<std::string_view> fields = Split(line, " ");
  const auto dash = std::ranges::find(fields, "-");
  if (dash - fields.begin() <= static_cast<int64_t>(kPoint)) return {};
  if (fields.end() - dash < 4) return {};
  const bool is_v2 = controller.empty() && dash[1] == "cgroup2";
  const bool is_v1 = !controller.empty() && dash[1] == "cgroup" &&
                     Holds(Split(dash[3], ","), controller);
  if (!is_v1 && !is_v2) return {};
  return CgroupMount{Unescaped(fields[kRoot]), Unescaped(fields[kPoint])};
}

// The mounted folder of a group and all above it. A group outside of what is
// mounted (another namespace) is seen as the mounted one.
std::vector<CgroupFolder> FoldersOf(const CgroupMount& mount,
                                    std::string_view group) {
  std::string below(group);
  if (mount.root != "/") {
    const bool is_inside =
        below == mount.root || below.starts_with(mount.root + "/");
    below = is_inside ? below.substr(mount.root.size()) : "";
  }
  if (below.find("/..") != std::string::npos) below.clear();
  std::vector<CgroupFolder> folders;
  for (; below.size() > 1; below.resize(below.rfind('/'))) {
    folders.push_back({.path = mount.point + below});
  }
  folders.push_back({.path = mount.point});
  return folders;
}

// All of a file whose size the kernel does not tell; empty if it cannot be
// read.
std::string ReadKernelFile(FileSystem& files, const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 20;
  constexpr size_t kStep = 4096;
  const StatusOr<int> file = files.OpenForReading(path);
  if (!file.ok()) return "";
  std::string text;
  while (text.size() < kMaxBytes) {
    const size_t size = text.size();
    text.resize(size + kStep);
    const StatusOr<int64_t> count = files.Read(
        *file, std::as_writable_bytes(std::span(text).subspan(size)), path);
    text.resize(size + static_cast<size_t>(count.ok() ? *count : 0));
    if (text.size() == size) break;
  }
  static_cast<void>(files.Close(*file, path).ok());  // nothing was written.
  return text;
}

// The processors that the kernel may run this process on.
int64_t AffinityCpus() {
  constexpr int kMostCpus = 1 << 16;
  for (int cpus = 1024; cpus <= kMostCpus; cpus *= 2) {
    std::vector<cpu_set_t> set(CPU_ALLOC_SIZE(cpus) / sizeof(cpu_set_t));
    const size_t bytes = set.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, set.data()) == 0) {
      return std::max(1, CPU_COUNT_S(bytes, set.data()));
    }
    if (errno != EINVAL) break;  // EINVAL: the machine has more.
  }
  return std::max<int64_t>(1, sysconf(_SC_NPROCESSORS_ONLN));
}

std::optional<int64_t> SoftLimit(int resource) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 ||
      limit.rlim_cur > static_cast<rlim_t>(INT64_MAX)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(limit.rlim_cur);
}

int64_t PhysicalMemory() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? pages * page_bytes : 0;
}

}  // namespace

int64_t UsableCpus(const ResourceFacts& facts) {
  int64_t cpus = facts.affinity_cpus;
  if (facts.quota_cpus && *facts.quota_cpus < static_cast<double>(cpus)) {
    cpus = static_cast<int64_t>(std::ceil(*facts.quota_cpus));
  }
  cpus = std::min(cpus, facts.omp_num_threads.value_or(cpus));
  return std::max<int64_t>(1, cpus);
}

std::optional<int64_t> MemoryLimitBytes(const ResourceFacts& facts) {
  std::optional<int64_t> least;
  if (facts.physical_memory_bytes > 0) least = facts.physical_memory_bytes;
  TakeSmaller(facts.cgroup_memory_bytes, least);
  TakeSmaller(facts.rlimit_memory_bytes, least);
  return least;
}

std::optional<int64_t> ParseOmpNumThreads(std::string_view text) {
  constexpr int64_t kMost = INT32_MAX;
  const std::optional<int64_t> threads =
      Positive(Trimmed(text.substr(0, text.find(','))));
  return threads && *threads <= kMost ? threads : std::nullopt;
}

std::optional<double> ParseCpuMax(std::string_view text) {
  const std::vector<std::string_view> words = Split(Trimmed(text), " ");
  if (words.size() != 2) return std::nullopt;
  return Ratio(Positive(words[0]), Positive(words[1]));
}

std::optional<double> ParseCfsQuota(std::string_view quota,
                                    std::string_view period) {
  return Ratio(Positive(Trimmed(quota)), Positive(Trimmed(period)));
}

std::optional<int64_t> ParseMemoryMax(std::string_view text) {
  constexpr int64_t kNoLimit = int64_t{1} << 60;
  const std::optional<int64_t> bytes = Positive(Trimmed(text));
  return bytes && *bytes < kNoLimit ? bytes : std::nullopt;
}

std::vector<CgroupFolder> CgroupFolders(std::string_view self_cgroup,
                                        std::string_view mountinfo,
                                        std::string_view controller) {
  std::vector<CgroupFolder> folders;
  for (const std::string_view line : Split(self_cgroup, "\n")) {
    // "4:memory:/group", or "0::/group" of v2.
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view names = line.substr(first + 1, second - first - 1);
    const bool is_v2 = names.empty();
    if (!is_v2 && !Holds(Split(names, ","), controller)) continue;
    for (const std::string_view mounted : Split(mountinfo, "\n")) {
      const auto mount = ParseMount(mounted, is_v2 ? "" : controller);
      if (!mount) continue;
      for (CgroupFolder& folder : FoldersOf(*mount, line.substr(second + 1))) {
        folder.is_v2 = is_v2;
        folders.push_back(std::move(folder));
      }
    }
  }
  return folders;
}

ResourceFacts ProbeResources(FileSystem& files, const Environment& environment,
                             const std::string& root) {
  ResourceFacts facts{.affinity_cpus = AffinityCpus(),
                      .physical_memory_bytes = PhysicalMemory()};
  const auto read = [&](const std::string& path) {
    return ReadKernelFile(files, root + path);
  };
  const std::string groups = read("/proc/self/cgroup");
  const std::string mounts = read("/proc/self/mountinfo");
  for (const CgroupFolder& group : CgroupFolders(groups, mounts, "cpu")) {
    TakeSmaller(group.is_v2
                    ? ParseCpuMax(read(group.path + "/cpu.max"))
                    : ParseCfsQuota(read(group.path + "/cpu.cfs_quota_us"),
                                    read(group.path + "/cpu.cfs_period_us")),
                facts.quota_cpus);
  }
  for (const CgroupFolder& group : CgroupFolders(groups, mounts, "memory")) {
    const char* name = group.is_v2 ? "/memory.max" : "/memory.limit_in_bytes";
    TakeSmaller(ParseMemoryMax(read(group.path + name)),
                facts.cgroup_memory_bytes);
  }
  TakeSmaller(SoftLimit(RLIMIT_AS), facts.rlimit_memory_bytes);
  TakeSmaller(SoftLimit(RLIMIT_DATA), facts.rlimit_memory_bytes);
  const auto omp = environment.find("OMP_NUM_THREADS");
  if (omp != environment.end()) {
    facts.omp_num_threads = ParseOmpNumThreads(omp->second);
  }
  return facts;
}

}  // namespace cyto8
