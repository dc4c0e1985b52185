// SPDX-License-Identifier: Apache-2.0
// Values of settings: the one place where text becomes a setting of some kind
// and a setting becomes text again, whether it comes from a flag, a variable or
// a file. Tested by tests/app/settings_value_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/score_settings.h"
#include "base/status.h"

namespace cyto8 {

enum class SettingKind {
  kBool,    // true or false.
  kInt,     // a whole number.
  kNumber,  // a finite number.
  kPath,    // a file or folder; empty: none.
  kChoice,  // one of a few words, in any case.
  kSize,    // "768" or "640x512", width before height.
  kEdge,    // "align", "pad" or "drop<N".
  kScores,  // "HSIL=0.1,LSIL=0.2"; in a file a map.
};

// What a setting may be.
struct SettingRule {
  SettingKind kind = SettingKind::kBool;
  bool may_be_null = false;  // "null": not set, the card decides.
  double low = 0;            // of kInt, kNumber, and each number of the others.
  double high = 0;
  std::vector<std::string_view> words = {};  // of kChoice.
  // Words that once stood here, and where they belong now.
  std::vector<std::string_view> moved_words = {};
  std::string_view moved_to = {};
};

using ClassScores = std::map<std::string, double>;  // by class name.

// Nothing is null; a choice is its word.
using SettingValue = std::variant<std::monostate, bool, int64_t, double,
                                  std::string, TileSize, EdgeRule, ClassScores>;

// How somebody wrote a value.
enum class WrittenForm {
  kWord,    // of a flag or a variable, where everything is text.
  kPlain,   // in a file, without quotes.
  kQuoted,  // in a file, in quotes.
  kNull,
  kList,
  kMap,
  kTagged,  // in a file, with a tag such as !!str.
};

// One entry of a map; its value is no map again.
struct WrittenEntry {
  std::string name = {};  // for messages, as that of the whole value.
  std::string key = {};
  WrittenForm form = WrittenForm::kPlain;
  std::string text = {};
};

struct WrittenValue {
  WrittenForm form = WrittenForm::kWord;
  std::string text = {};                   // of a scalar.
  std::vector<WrittenEntry> entries = {};  // of a map.
};

// "a whole number in [0, 8]", "one of tiles, resize".
std::string DescribeRule(const SettingRule& rule);

// kInvalidArgument: "<name> = \"<text>\": must be a whole number in [0, 8]" or
// "<name> = 9: must be in [0, 8]". `name` is a flag, a variable, or a place and
// a key. A word of a file must have the type that the setting wants: a number
// in quotes is none, and a text that looks like a number needs quotes.
StatusOr<SettingValue> ParseSettingValue(const SettingRule& rule,
                                         std::string_view name,
                                         const WrittenValue& written);

// As JSON: null, true, 192, 0.5, "tiles", 768 or "640x512", "drop<64",
// {"HSIL": 0.1}. The same text is YAML that reads back as the same value.
// Bytes of a path that are no UTF-8 become U+FFFD.
std::string SettingValueJson(const SettingValue& value);

// The text in quotes, escaped for JSON.
std::string JsonQuoted(std::string_view text);

}  // namespace cyto8
