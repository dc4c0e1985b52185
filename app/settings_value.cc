// SPDX-License-Identifier: Apache-2.0
// Settings from text and back; see settings_value.h.
#include "app/settings_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/checked_math.h"
#include "base/lower_case.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

using Form = WrittenForm;

// What one parser needs to know.
struct Task {
  const SettingRule& rule;
  std::string_view name;  // for messages.
  const std::string& text;
};

// 200000, which FormatShortest writes as 2e+05.
std::string Bound(double value) {
  const auto whole = static_cast<int64_t>(value);
  return static_cast<double>(whole) == value ? std::to_string(whole)
                                             : FormatShortest(value);
}

std::string Range(const SettingRule& rule) {
  return "[" + Bound(rule.low) + ", " + Bound(rule.high) + "]";
}

std::string Listed(const std::vector<std::string_view>& words) {
  std::string list;
  for (const std::string_view word : words) {
    list += (list.empty() ? "" : ", ") + std::string(word);
  }
  return list;
}

std::string DescribeKind(const SettingRule& rule) {
  switch (rule.kind) {
    case SettingKind::kBool:
      return "true or false";
    case SettingKind::kInt:
      return "a whole number in " + Range(rule);
    case SettingKind::kNumber:
      return "a number in " + Range(rule);
    case SettingKind::kPath:
      return "a path";
    case SettingKind::kChoice:
      return "one of " + Listed(rule.words);
    case SettingKind::kSize:
      return "a side or WIDTHxHEIGHT, each in " + Range(rule);
    case SettingKind::kEdge:
      return "align, pad or drop<N with N in " + Range(rule);
    case SettingKind::kScores:
      return "scores by class, such as HSIL=0.1, each in " + Range(rule);
  }
  return "";
}

// Long texts are cut: a message is one line to read.
std::string Shown(std::string_view text) {
  constexpr size_t kMaxShown = 80;
  const bool is_long = text.size() > kMaxShown;
  return "\"" + std::string(text.substr(0, kMaxShown)) +
         (is_long ? "..." : "") + "\"";
}

Status Refused(const Task& task, const std::string& why = "") {
  return InvalidArgument(std::string(task.name) + " = " + Shown(task.text) +
                         ": must be " + DescribeRule(task.rule) + why);
}

Status WrongForm(const SettingRule& rule, std::string_view name,
                 const char* form) {
  return InvalidArgument(std::string(name) + ": must be " + DescribeRule(rule) +
                         ", not " + form);
}

StatusOr<SettingValue> ParseBool(const Task& task) {
  if (task.text == "true") return SettingValue(true);
  if (task.text == "false") return SettingValue(false);
  return Refused(task);
}

StatusOr<SettingValue> ParseInt(const Task& task) {
  const StatusOr<int64_t> value = ParseInt64(task.text);
  if (!value.ok()) return Refused(task);
  CYTO8_RETURN_IF_ERROR(CheckRange(task.name, *value,
                                   static_cast<int64_t>(task.rule.low),
                                   static_cast<int64_t>(task.rule.high)));
  return SettingValue(*value);
}

StatusOr<double> ParseNumber(const Task& task) {
  const StatusOr<double> value = ParseDouble(task.text);
  if (!value.ok()) return Refused(task);
  CYTO8_RETURN_IF_ERROR(
      CheckRange(task.name, *value, task.rule.low, task.rule.high));
  return *value + 0.0;  // no minus zero.
}

StatusOr<SettingValue> ParsePath(const Task& task) {
  if (task.text.find('\0') == std::string::npos) return SettingValue(task.text);
  return Refused(task, " without a NUL byte");
}

StatusOr<SettingValue> ParseChoice(const Task& task) {
  const auto is_text = [&](std::string_view word) {
    return std::ranges::equal(word, task.text, {}, LowerCase, LowerCase);
  };
  const SettingRule& rule = task.rule;
  const auto word = std::ranges::find_if(rule.words, is_text);
  if (word != rule.words.end()) return SettingValue(std::string(*word));
  if (!std::ranges::any_of(rule.moved_words, is_text)) return Refused(task);
  return Refused(task, "; " + Listed(rule.moved_words) + " belong to " +
                           std::string(rule.moved_to));
}

// True for a whole number in the range of the rule.
bool ParseSide(const SettingRule& rule, std::string_view text, int64_t& side) {
  const StatusOr<int64_t> value = ParseInt64(text);
  if (!value.ok()) return false;
  side = *value;
  const auto number = static_cast<double>(side);
  return number >= rule.low && number <= rule.high;
}

StatusOr<SettingValue> ParseSize(const Task& task) {
  const std::string_view text = task.text;
  const size_t cross = text.find('x');
  TileSize size;
  if (!ParseSide(task.rule, text.substr(0, cross), size.width_px)) {
    return Refused(task);
  }
  size.height_px = size.width_px;
  if (cross == std::string_view::npos) return SettingValue(size);
  if (!ParseSide(task.rule, text.substr(cross + 1), size.height_px)) {
    return Refused(task);
  }
  return SettingValue(size);
}

StatusOr<SettingValue> ParseEdge(const Task& task) {
  constexpr std::string_view kDrop = "drop<";
  std::string lower(task.text);
  std::ranges::transform(lower, lower.begin(), LowerCase);
  if (lower == "align") return SettingValue(EdgeRule{EdgeMode::kAlign});
  if (lower == "pad") return SettingValue(EdgeRule{EdgeMode::kPad});
  EdgeRule rule{.mode = EdgeMode::kDrop};
  const std::string_view text = lower;
  if (text.starts_with(kDrop) &&
      ParseSide(task.rule, text.substr(kDrop.size()), rule.drop_below_px)) {
    return SettingValue(rule);
  }
  return Refused(task);
}

SettingRule ScoreRule(const SettingRule& rule) {
  return {.kind = SettingKind::kNumber, .low = rule.low, .high = rule.high};
}

Status AddScore(std::string_view where, const std::string& name, double score,
                ClassScores& scores) {
  if (name.empty()) {
    return InvalidArgument(std::string(where) + ": a class has no name");
  }
  if (scores.emplace(name, score).second) return OkStatus();
  return InvalidArgument(std::string(where) + ": class " + Shown(name) +
                         " is given twice");
}

// "HSIL=0.1,LSIL=0.2": the last '=' of each pair counts.
StatusOr<SettingValue> ParseScores(const Task& task) {
  const SettingRule rule = ScoreRule(task.rule);
  ClassScores scores;
  std::string_view rest = task.text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view pair = rest.substr(0, comma);
    const size_t equals = pair.rfind('=');
    const bool ends_in_comma = comma + 1 == rest.size();
    if (equals == std::string_view::npos || ends_in_comma) return Refused(task);
    const std::string name(pair.substr(0, equals));
    const std::string text(pair.substr(equals + 1));
    const std::string shown = std::string(task.name) + ": " + name;
    CYTO8_ASSIGN_OR_RETURN(const double score,
                           ParseNumber({rule, shown, text}));
    CYTO8_RETURN_IF_ERROR(AddScore(task.name, name, score, scores));
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  return SettingValue(std::move(scores));
}

StatusOr<SettingValue> ScoresOfMap(const SettingRule& rule,
                                   const WrittenValue& written) {
  ClassScores scores;
  for (const WrittenEntry& entry : written.entries) {
    const StatusOr<SettingValue> score = ParseSettingValue(
        ScoreRule(rule), entry.name, {.form = entry.form, .text = entry.text});
    if (!score.ok()) return score.status();
    CYTO8_RETURN_IF_ERROR(
        AddScore(entry.name, entry.key, std::get<double>(*score), scores));
  }
  return SettingValue(std::move(scores));
}

// Without a value, as a key at the end of a line.
StatusOr<SettingValue> NullOf(const SettingRule& rule, std::string_view name) {
  if (rule.kind == SettingKind::kScores) return SettingValue(ClassScores());
  if (rule.kind == SettingKind::kPath) return SettingValue(std::string());
  if (rule.may_be_null) return SettingValue();
  return WrongForm(rule, name, "empty");
}

StatusOr<SettingValue> ParseText(const Task& task) {
  switch (task.rule.kind) {
    case SettingKind::kBool:
      return ParseBool(task);
    case SettingKind::kInt:
      return ParseInt(task);
    case SettingKind::kNumber: {
      CYTO8_ASSIGN_OR_RETURN(const double value, ParseNumber(task));
      return SettingValue(value);
    }
    case SettingKind::kPath:
      return ParsePath(task);
    case SettingKind::kChoice:
      return ParseChoice(task);
    case SettingKind::kSize:
      return ParseSize(task);
    case SettingKind::kEdge:
      return ParseEdge(task);
    case SettingKind::kScores:
      return ParseScores(task);
  }
  return Refused(task);
}

bool IsNumberLike(const std::string& text) {
  constexpr std::string_view kPrefixes[] = {"0x",    "0o",    ".inf",
                                            "-.inf", "+.inf", ".nan"};
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(), LowerCase);
  return std::ranges::any_of(kPrefixes,
                             [&](auto p) { return lower.starts_with(p); }) ||
         lower == "true" || lower == "false" || ParseDouble(lower).ok();
}

// Whether a word of a file has the type that the kind wants: true, false and
// numbers stand without quotes, and what looks like them is no text without.
Status CheckTyped(const Task& task, Form form) {
  const SettingKind kind = task.rule.kind;
  const bool wants_plain = kind == SettingKind::kBool ||
                           kind == SettingKind::kInt ||
                           kind == SettingKind::kNumber;
  if (form == Form::kQuoted && wants_plain) {
    return Refused(task, ", without quotes");
  }
  if (form == Form::kPlain && kind == SettingKind::kPath &&
      IsNumberLike(task.text)) {
    return Refused(task, ", in quotes");
  }
  return OkStatus();
}

std::string SizeJson(const TileSize& size) {
  std::string width = std::to_string(size.width_px);
  if (size.width_px == size.height_px) return width;
  return "\"" + width + "x" + std::to_string(size.height_px) + "\"";
}

std::string EdgeJson(const EdgeRule& rule) {
  switch (rule.mode) {
    case EdgeMode::kAlign:
      return "\"align\"";
    case EdgeMode::kPad:
      return "\"pad\"";
    case EdgeMode::kDrop:
      return "\"drop<" + std::to_string(rule.drop_below_px) + "\"";
  }
  return "null";
}

std::string ScoresJson(const ClassScores& scores) {
  std::string list;
  for (const auto& [name, score] : scores) {
    list += (list.empty() ? "" : ", ") + JsonQuoted(name) + ": " +
            FormatShortest(score);
  }
  return "{" + list + "}";
}

// One overload for each alternative of SettingValue.
struct JsonWriter {
  std::string operator()(std::monostate) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return FormatShortest(value); }
  std::string operator()(const std::string& text) const {
    return JsonQuoted(text);
  }
  std::string operator()(const TileSize& size) const { return SizeJson(size); }
  std::string operator()(const EdgeRule& rule) const { return EdgeJson(rule); }
  std::string operator()(const ClassScores& scores) const {
    return ScoresJson(scores);
  }
};

}  // namespace

std::string DescribeRule(const SettingRule& rule) {
  return DescribeKind(rule) + (rule.may_be_null ? ", or null" : "");
}

StatusOr<SettingValue> ParseSettingValue(const SettingRule& rule,
                                         std::string_view name,
                                         const WrittenValue& written) {
  const Task task{rule, name, written.text};
  switch (written.form) {
    case Form::kNull:
      return NullOf(rule, name);
    case Form::kList:
      return WrongForm(rule, name, "a list");
    case Form::kTagged:
      return WrongForm(rule, name, "a value with a tag");
    case Form::kMap:
      if (rule.kind == SettingKind::kScores) return ScoresOfMap(rule, written);
      return WrongForm(rule, name, "a map");
    case Form::kPlain:
    case Form::kQuoted:
      if (rule.kind == SettingKind::kScores) {
        return WrongForm(rule, name, "a text: write {HSIL: 0.1}");
      }
      CYTO8_RETURN_IF_ERROR(CheckTyped(task, written.form));
      return ParseText(task);
    case Form::kWord:
      if (rule.may_be_null && written.text == "null") return NullOf(rule, name);
      return ParseText(task);
  }
  return Refused(task);
}

std::string SettingValueJson(const SettingValue& value) {
  return std::visit(JsonWriter(), value);
}

std::string JsonQuoted(std::string_view text) {
  using Json = nlohmann::json;
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cyto8
