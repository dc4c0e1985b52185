// SPDX-License-Identifier: Apache-2.0
// Feeds every file of tests/fuzz/corpus/NAME and the empty input to a fuzz
// target: what fuzzing once found stays fixed in every build.
// Linked into each fuzz target outside the fuzz preset.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> CorpusFiles() {
  const fs::path folder =
      fs::path(CYTO8_SOURCE_DIR) / "tests/fuzz/corpus" / CYTO8_FUZZ_NAME;
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<uint8_t> ReadBytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(CorpusReplayTest, EmptyInputIsAccepted) {
  const uint8_t nothing = 0;
  EXPECT_EQ(LLVMFuzzerTestOneInput(&nothing, 0), 0);
}

TEST(CorpusReplayTest, EveryCorpusFileRunsClean) {
  const std::vector<fs::path> files = CorpusFiles();
  ASSERT_FALSE(files.empty())
      << "tests/fuzz/corpus/" CYTO8_FUZZ_NAME " holds no file";
  for (const fs::path& file : files) {
    // Printed first: a crash says no more than this.
    std::fprintf(stderr, "%s\n", file.c_str());
    const std::vector<uint8_t> bytes = ReadBytes(file);
    EXPECT_EQ(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()), 0) << file;
  }
}

}  // namespace
