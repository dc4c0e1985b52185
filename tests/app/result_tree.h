// SPDX-License-Identifier: Apache-2.0
// What stands below an output folder, as tests compare it: between two runs,
// and before and after a process was killed. Test code.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "app/slide_state.h"
#include "tests/app/app_fixture.h"

namespace cyto8 {

// A file is never written in place, so one that is the same file, with the same
// times, has the same content.
struct FileMark {
  uint64_t inode = 0;
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

inline FileMark MarkOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  constexpr int64_t kNanoseconds = 1'000'000'000;
  return {
      .inode = info.st_ino,
      .size_bytes = info.st_size,
      .modified_ns = info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec};
}

// By path below the folder.
using FileMarks = std::map<std::string, FileMark, std::less<>>;
using FileTexts = std::map<std::string, std::string, std::less<>>;

inline bool IsTemporary(std::string_view name) {
  return name.find(".tmp-") != std::string_view::npos;
}

// All files but locks, temporary ones included; none if there is no folder.
inline FileMarks MarksBelow(const std::string& folder) {
  FileMarks marks;
  if (!std::filesystem::exists(folder)) return marks;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == ".lock") {
      continue;
    }
    const std::string path = entry.path().string();
    marks.emplace(path.substr(folder.size() + 1), MarkOf(path));
  }
  return marks;
}

inline std::string LastName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// Has clocks in it (docs/formats.md, section 3).
inline bool HasClocks(std::string_view path) {
  const std::string name = LastName(path);
  return name == "run.json" || name == "timing.csv" || name == "state.json";
}

// What is equal for equal input: every file without clocks.
inline FileTexts ResultsBelow(const std::string& folder) {
  FileTexts texts;
  for (const auto& [path, mark] : MarksBelow(folder)) {
    if (HasClocks(path)) continue;
    texts.emplace(path, TextOf(ReadBytes(folder + "/" + path)));
  }
  return texts;
}

// Of an image's folder, if its state.json stands and all its files fit it.
inline StatusOr<SlideState> VerifiedState(const std::string& folder) {
  CYTO8_ASSIGN_OR_RETURN(
      SlideState state,
      ReadSlideState(RealFileSystem(), folder, {.id = LastName(folder)}));
  CYTO8_RETURN_IF_ERROR(VerifySlideFiles(RealFileSystem(), folder, state));
  return state;
}

// A file with clocks is whole.
inline void ExpectWholeTable(const std::string& path) {
  const std::vector<std::byte> bytes = ReadBytes(path);
  const std::string_view text = TextOf(bytes);
  EXPECT_TRUE(text.ends_with('\n')) << path;
  if (path.ends_with(".json")) {
    EXPECT_TRUE(nlohmann::json::accept(text)) << path;
  }
}

// Names first, so that a failure stays short.
inline void ExpectSameResults(const FileTexts& found, const FileTexts& wanted) {
  for (const auto& [path, text] : wanted) {
    const auto same = found.find(path);
    if (same == found.end()) {
      ADD_FAILURE() << path << ": is missing";
    } else {
      EXPECT_TRUE(same->second == text) << path << ": differs";
    }
  }
  for (const auto& [path, text] : found) {
    EXPECT_TRUE(wanted.contains(path)) << path << ": is one too many";
  }
}

}  // namespace cyto8
