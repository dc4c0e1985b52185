// SPDX-License-Identifier: Apache-2.0
// The rules themselves; the tables follow section 3 of the style reference.
// Tested by tests/layering/layering_test.cc.
#include "tests/layering/source_rules.h"

#include <algorithm>
#include <array>

namespace cyto8 {
namespace {

constexpr size_t kNone = std::string_view::npos;

struct Room {
  std::string_view name;
  std::vector<std::string_view> may_include;  // besides itself.
};

const std::vector<Room>& Rooms() {
  static const std::vector<Room> rooms = {
      {"base", {}},
      {"tiling", {"base"}},
      {"eval", {"base"}},
      {"detector/graph", {"base"}},
      {"detector/import", {"detector/graph", "base"}},
      {"detector/passes", {"detector/graph", "base"}},
      {"detector/kernels", {"base"}},
      {"detector/runtime", {"detector/graph", "detector/kernels", "base"}},
      {"detector/efficientdet", {"detector/runtime", "detector/graph", "base"}},
      {"quant",
       {"detector/graph", "detector/import", "detector/passes",
        "detector/kernels", "detector/runtime", "detector/efficientdet",
        "base"}},
      {"app",
       {"tiling", "quant", "eval", "detector/graph", "detector/import",
        "detector/passes", "detector/kernels", "detector/runtime",
        "detector/efficientdet", "base"}},
  };
  return rooms;
}

const Room* FindRoom(std::string_view name) {
  const auto& rooms = Rooms();
  const auto it = std::ranges::find(rooms, name, &Room::name);
  return it == rooms.end() ? nullptr : &*it;
}

// Folders of ours that no product file may include from.
bool IsOurFolder(std::string_view path) {
  static constexpr std::array kFolders = {
      "base/",  "detector/", "quant/", "tiling/",  "eval/", "app/",
      "tests/", "bench/",    "tools/", "configs/", "data/", "docs/"};
  return std::ranges::any_of(
      kFolders, [&](std::string_view f) { return path.starts_with(f); });
}

bool IsProduct(std::string_view path) {
  return IsOurFolder(path) && !path.starts_with("tests/") &&
         !path.starts_with("bench/") && !path.starts_with("tools/");
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text = end == kNone ? "" : text.substr(end + 1);
  }
  return lines;
}

std::string At(std::string_view path, size_t line, const std::string& what) {
  return std::string(path) + ":" + std::to_string(line) + ": " + what;
}

struct Include {
  std::string path;
  bool quoted = false;
};

std::string_view SkipSpaces(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  return start == kNone ? "" : text.substr(start);
}

// True if the line is an include directive.
bool ParseInclude(std::string_view line, Include* include) {
  for (std::string_view token : {"#", "include"}) {
    line = SkipSpaces(line);
    if (!line.starts_with(token)) return false;
    line.remove_prefix(token.size());
  }
  line = SkipSpaces(line);
  if (!line.starts_with('"') && !line.starts_with('<')) return false;
  include->quoted = line[0] == '"';
  include->path =
      line.substr(1, line.find_first_of(include->quoted ? "\"" : ">", 1) - 1);
  return true;
}

// "" if the arrow is allowed.
std::string ArrowFault(std::string_view from, const Include& include) {
  const std::string& path = include.path;
  // Third parties may have headers without a folder, but theirs are .hpp or in
  // angle brackets.
  if (include.quoted && path.find('/') == kNone && path.ends_with(".h")) {
    return "include \"" + path + "\" is not written from the repository root";
  }
  if (path.starts_with(".")) return "include \"" + path + "\" is relative";
  if (!IsOurFolder(path)) return "";
  const std::string to = RoomOf(path);
  const Room* room = FindRoom(from);
  if (room == nullptr) return "this file lies in no room";
  if (to == from || std::ranges::count(room->may_include, to) > 0) return "";
  return std::string(from) + " may not include \"" + path + "\"";
}

struct BannedCall {
  std::string_view name;
  std::string_view allowed_in;  // besides app/.
};

constexpr std::array kBannedCalls = {
    BannedCall{"printf", ""},
    // CYTO8_ENSURE aborts in debug builds, and says why first.
    BannedCall{"fprintf", "base/status.cc"},
    BannedCall{"abort", "base/status.cc"},
    BannedCall{"puts", ""},
    BannedCall{"exit", ""},
    BannedCall{"_exit", ""},
    BannedCall{"quick_exit", ""},
    BannedCall{"terminate", ""},
    BannedCall{"system", ""},
    BannedCall{"atoi", ""},
    BannedCall{"sscanf", ""},
    BannedCall{"strcpy", ""},
};

bool IsWordCharacter(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z');
}

// True if the line holds the whole word, followed by suffix.
bool HoldsWord(std::string_view line, std::string_view word,
               std::string_view suffix) {
  for (size_t at = line.find(word); at != kNone; at = line.find(word, at + 1)) {
    const bool starts = at == 0 || !IsWordCharacter(line[at - 1]);
    if (starts && line.substr(at + word.size()).starts_with(suffix)) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> CallFaults(std::string_view path,
                                    std::string_view line) {
  std::vector<std::string> faults;
  for (const BannedCall& call : kBannedCalls) {
    if (path != call.allowed_in && HoldsWord(line, call.name, "(")) {
      faults.push_back(std::string(call.name) + "() outside app/");
    }
  }
  for (std::string_view stream : {"std::cout", "std::cerr", "std::clog"}) {
    if (line.find(stream) != kNone) {
      faults.push_back(std::string(stream) + " outside app/");
    }
  }
  return faults;
}

}  // namespace

std::string RoomOf(std::string_view path) {
  for (const Room& room : Rooms()) {
    if (path.starts_with(room.name) && path.size() > room.name.size() &&
        path[room.name.size()] == '/') {
      return std::string(room.name);
    }
  }
  return "";
}

std::vector<std::string> CheckArrows(std::string_view path,
                                     std::string_view text) {
  std::vector<std::string> faults;
  const std::string room = RoomOf(path);
  if (room.empty()) faults.push_back(At(path, 1, "this file lies in no room"));
  size_t number = 0;
  for (std::string_view line : Lines(text)) {
    ++number;
    Include include;
    if (!ParseInclude(line, &include)) continue;
    const std::string fault = ArrowFault(room, include);
    if (!fault.empty()) faults.push_back(At(path, number, fault));
  }
  return faults;
}

std::vector<std::string> CheckForm(std::string_view path,
                                   std::string_view text) {
  static constexpr std::string_view kLicence =
      "// SPDX-License-Identifier: Apache-2.0";
  std::vector<std::string> faults;
  const std::vector<std::string_view> lines = Lines(text);
  if (lines.empty() || lines[0] != kLicence) {
    faults.push_back(At(path, 1, "the first line is not the licence line"));
  }
  if (lines.size() < 2 || !lines[1].starts_with("// ")) {
    faults.push_back(At(path, 2, "no line says what the file is for"));
  }
  if (path.ends_with(".h") &&
      std::ranges::count(lines, std::string_view("#pragma once")) != 1) {
    faults.push_back(At(path, 1, "a header needs one #pragma once"));
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
    if (!std::ranges::all_of(lines[i], is_plain)) {
      faults.push_back(At(path, i + 1, "a character that is not plain ASCII"));
    }
  }
  return faults;
}

std::vector<std::string> CheckCalls(std::string_view path,
                                    std::string_view text) {
  std::vector<std::string> faults;
  if (!IsProduct(path) || path.starts_with("app/")) return faults;
  const std::string blanked = BlankCommentsAndLiterals(text);
  size_t number = 0;
  for (std::string_view line : Lines(blanked)) {
    ++number;
    for (const std::string& fault : CallFaults(path, line)) {
      faults.push_back(At(path, number, fault));
    }
  }
  return faults;
}

// A state machine over characters, hence long: code, the two kinds of comment,
// and the two kinds of literal with their escapes.
std::string BlankCommentsAndLiterals(std::string_view text) {
  enum class State { kCode, kLine, kBlock, kString, kCharacter };
  State state = State::kCode;
  std::string out(text);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\n') {
      if (state == State::kLine) state = State::kCode;
      continue;
    }
    switch (state) {
      case State::kCode:
        if (c == '/' && next == '/') state = State::kLine;
        if (c == '/' && next == '*') state = State::kBlock;
        if (c == '"') state = State::kString;
        // 1'000 is a number, not the start of a literal.
        if (c == '\'' && (i == 0 || !IsWordCharacter(text[i - 1]))) {
          state = State::kCharacter;
        }
        if (state == State::kCode) continue;
        if (state == State::kBlock) out[i++] = ' ';
        break;
      case State::kLine:
        break;
      case State::kBlock:
        if (c == '*' && next == '/') {
          out[i++] = ' ';
          state = State::kCode;
        }
        break;
      case State::kString:
      case State::kCharacter:
        if (c == '\\' && next != '\n') {
          out[i++] = ' ';
        } else if (c == (state == State::kString ? '"' : '\'')) {
          state = State::kCode;
        }
        break;
    }
    if (i < out.size()) out[i] = ' ';
  }
  return out;
}

}  // namespace cyto8
