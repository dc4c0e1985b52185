// SPDX-License-Identifier: Apache-2.0
// Folders for tests; see temporary_folder.h.
#include "tests/support/temporary_folder.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "gtest/gtest.h"

namespace cyto8 {

namespace fs = std::filesystem;

namespace {

// Memory where there is some: the tests sync thousands of small files. TMPDIR
// says otherwise.
fs::path Base() {
  const fs::path memory = "/dev/shm";
  if (getenv("TMPDIR") == nullptr && access(memory.c_str(), W_OK) == 0) {
    return memory;
  }
  return fs::temp_directory_path();
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  path_ = Base() / "cyto8-test-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) {
    ADD_FAILURE() << "cannot make a folder like " << path_;
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TemporaryFolder::PathOf(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

void TemporaryFolder::Put(std::string_view name,
                          std::string_view content) const {
  std::ofstream out(PathOf(name), std::ios::binary);
  out << content;
  out.close();
  EXPECT_TRUE(out) << "cannot write " << PathOf(name);
}

std::string TemporaryFolder::Get(std::string_view name) const {
  std::ifstream in(PathOf(name), std::ios::binary);
  EXPECT_TRUE(in) << "cannot read " << PathOf(name);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> TemporaryFolder::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace cyto8
