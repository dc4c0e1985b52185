// SPDX-License-Identifier: Apache-2.0
// Strict YAML maps; see yaml_map.h. Values are taken as text and parsed by
// base/numbers.h, so yaml-cpp's conversions, and their exceptions, stay unused.
#include "app/yaml_map.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "base/checked_math.h"
#include "base/nearest_word.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

// An empty document has no mark.
YamlPlace Place(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {.line = mark.line + 1, .column = mark.column + 1};
}

std::string PlaceOf(const YAML::Mark& mark) { return Describe(Place(mark)); }

std::string PlaceOf(const YAML::Node& node, std::string_view key) {
  return PlaceOf(node.Mark()) + ": " + std::string(key);
}

Status WrongKind(const YAML::Node& node, std::string_view key,
                 const char* wanted) {
  return InvalidArgument(PlaceOf(node, key) + ": must be " + wanted);
}

Status CheckNoDuplicates(const YAML::Node& map) {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    if (!entry.first.IsScalar()) {
      return WrongKind(entry.first, "a key", "a word");
    }
    if (!seen.insert(entry.first.Scalar()).second) {
      return InvalidArgument(PlaceOf(entry.first, entry.first.Scalar()) +
                             ": key is given twice");
    }
  }
  return OkStatus();
}

StatusOr<double> NumberOf(const YAML::Node& node, std::string_view key,
                          NumberRange range) {
  if (!node.IsScalar()) return WrongKind(node, key, "a number");
  const std::string place = PlaceOf(node, key);
  CYTO8_ASSIGN_OR_RETURN(const double value,
                         Annotate(ParseDouble(node.Scalar()), place));
  CYTO8_RETURN_IF_ERROR(CheckRange(place, value, range.low, range.high));
  return value;
}

StatusOr<std::vector<double>> NumbersOf(const YAML::Node& node,
                                        std::string_view key,
                                        NumberRange range) {
  std::vector<double> values;
  for (const YAML::Node& entry : node) {
    CYTO8_ASSIGN_OR_RETURN(const double value, NumberOf(entry, key, range));
    values.push_back(value);
  }
  return values;
}

// The bytes of the UTF-8 character that `text` begins with; 0 if it begins with
// none: no continuation, an overlong form, a surrogate, beyond U+10FFFF.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

// yaml-cpp would take other encodings for what they might be, and passes
// everything else on.
Status CheckCharacters(std::string_view text) {
  YamlPlace place;
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text.substr(i));
    if (length == 0) {
      return InvalidArgument(Describe(place) + ": must be UTF-8");
    }
    if (IsControl(text[i])) {
      return InvalidArgument(Describe(place) +
                             ": must not hold control characters");
    }
    i += length;
    place.column += static_cast<int64_t>(length);
    if (text[i - 1] == '\n') place = {.line = place.line + 1, .column = 1};
  }
  return OkStatus();
}

// Where the events of a document begin; it wants nothing else of them.
class DocumentStart final : public YAML::EventHandler {
 public:
  YAML::Mark mark;
  void OnDocumentStart(const YAML::Mark& start) override { mark = start; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Asks for two documents at most: yaml-cpp finds one more for ever where a
// token begins none (", -"), so YAML::LoadAll would not end.
Status CheckOneDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStart start;
  if (!parser.HandleNextDocument(start)) return OkStatus();
  if (!parser.HandleNextDocument(start)) return OkStatus();
  return InvalidArgument(PlaceOf(start.mark) +
                         ": a second document: must be one");
}

// The end mark makes yaml-cpp see a quote that is never closed.
StatusOr<YAML::Node> Load(std::string_view text) {
  CYTO8_RETURN_IF_ERROR(CheckCharacters(text));
  std::string whole(text);
  if (!whole.empty() && whole.back() != '\n') whole += '\n';
  whole += "...\n";
  try {
    CYTO8_RETURN_IF_ERROR(CheckOneDocument(whole));
    return YAML::Load(whole);
  } catch (const YAML::Exception& error) {
    return InvalidArgument(PlaceOf(error.mark) + ": " + error.msg);
  }
}

YamlKind KindOf(const YAML::Node& node) {
  if (node.IsMap()) return YamlKind::kMap;
  if (node.IsSequence()) return YamlKind::kList;
  if (!node.IsScalar()) return YamlKind::kNull;
  if (node.Tag() == "!") return YamlKind::kQuoted;
  return node.Tag() == "?" || node.Tag().empty() ? YamlKind::kPlain
                                                 : YamlKind::kTagged;
}

}  // namespace

std::string Describe(YamlPlace place) {
  return "line " + std::to_string(place.line) + ", column " +
         std::to_string(place.column);
}

struct YamlMap::Impl {
  YAML::Node node;
  std::set<std::string, std::less<>> known;

  // The value of a key, which is known from now on.
  StatusOr<YAML::Node> Find(std::string_view key) {
    known.emplace(key);
    for (const auto& entry : node) {
      if (entry.first.Scalar() == key) return YAML::Node(entry.second);
    }
    return InvalidArgument(PlaceOf(node.Mark()) + ": key \"" +
                           std::string(key) + "\" is missing");
  }

  StatusOr<YAML::Node> FindSequence(std::string_view key) {
    CYTO8_ASSIGN_OR_RETURN(YAML::Node value, Find(key));
    if (!value.IsSequence()) return WrongKind(value, key, "a list");
    return value;
  }
};

YamlMap::YamlMap(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

StatusOr<YamlMap> YamlMap::Parse(std::string_view text) {
  CYTO8_ASSIGN_OR_RETURN(YamlMap map, ParseWithDuplicates(text));
  CYTO8_RETURN_IF_ERROR(CheckNoDuplicates(map.impl_->node));
  return map;
}

StatusOr<YamlMap> YamlMap::ParseWithDuplicates(std::string_view text) {
  auto impl = std::make_shared<Impl>();
  CYTO8_ASSIGN_OR_RETURN(impl->node, Load(text));
  if (!impl->node.IsMap()) {
    return WrongKind(impl->node, "the document", "a map of keys and values");
  }
  return YamlMap(std::move(impl));
}

bool YamlMap::Has(std::string_view key) { return impl_->Find(key).ok(); }

StatusOr<std::string> YamlMap::Text(std::string_view key) {
  CYTO8_ASSIGN_OR_RETURN(const YAML::Node value, impl_->Find(key));
  if (!value.IsScalar()) return WrongKind(value, key, "a text");
  return value.Scalar();
}

StatusOr<int64_t> YamlMap::Int(std::string_view key, int64_t low,
                               int64_t high) {
  CYTO8_ASSIGN_OR_RETURN(const YAML::Node value, impl_->Find(key));
  if (!value.IsScalar()) return WrongKind(value, key, "a whole number");
  const std::string place = PlaceOf(value, key);
  CYTO8_ASSIGN_OR_RETURN(const int64_t number,
                         Annotate(ParseInt64(value.Scalar()), place));
  CYTO8_RETURN_IF_ERROR(CheckRange(place, number, low, high));
  return number;
}

StatusOr<double> YamlMap::Number(std::string_view key, NumberRange range) {
  CYTO8_ASSIGN_OR_RETURN(const YAML::Node value, impl_->Find(key));
  return NumberOf(value, key, range);
}

StatusOr<YamlMap> YamlMap::Map(std::string_view key) {
  CYTO8_ASSIGN_OR_RETURN(YAML::Node value, impl_->Find(key));
  if (!value.IsMap()) return WrongKind(value, key, "a map");
  CYTO8_RETURN_IF_ERROR(CheckNoDuplicates(value));
  auto impl = std::make_shared<Impl>();
  impl->node = value;
  return YamlMap(std::move(impl));
}

StatusOr<std::vector<YamlMap>> YamlMap::Maps(std::string_view key) {
  CYTO8_ASSIGN_OR_RETURN(const YAML::Node list, impl_->FindSequence(key));
  std::vector<YamlMap> maps;
  for (const YAML::Node& entry : list) {
    if (!entry.IsMap()) return WrongKind(entry, key, "a list of maps");
    CYTO8_RETURN_IF_ERROR(CheckNoDuplicates(entry));
    auto impl = std::make_shared<Impl>();
    impl->node = entry;
    maps.push_back(YamlMap(std::move(impl)));
  }
  return maps;
}

StatusOr<std::vector<YamlScalar>> YamlMap::Scalars(std::string_view key) {
  CYTO8_ASSIGN_OR_RETURN(const YAML::Node list, impl_->FindSequence(key));
  std::vector<YamlScalar> scalars;
  for (const YAML::Node& entry : list) {
    if (!entry.IsScalar()) return WrongKind(entry, key, "a list of words");
    scalars.push_back({.text = entry.Scalar(), .place = PlaceOf(entry, key)});
  }
  return scalars;
}

StatusOr<std::vector<double>> YamlMap::Numbers(std::string_view key,
                                               size_t count,
                                               NumberRange range) {
  CYTO8_ASSIGN_OR_RETURN(const YAML::Node list, impl_->FindSequence(key));
  CYTO8_ASSIGN_OR_RETURN(std::vector<double> values,
                         NumbersOf(list, key, range));
  if (values.size() == count) return values;
  return InvalidArgument(PlaceOf(list, key) + " has " +
                         std::to_string(values.size()) + " numbers: must be " +
                         std::to_string(count));
}

StatusOr<std::vector<double>> YamlMap::NumberOrNumbers(std::string_view key,
                                                       size_t count,
                                                       NumberRange range) {
  CYTO8_ASSIGN_OR_RETURN(const YAML::Node value, impl_->Find(key));
  if (value.IsSequence()) return Numbers(key, count, range);
  CYTO8_ASSIGN_OR_RETURN(const double number, NumberOf(value, key, range));
  return std::vector<double>{number};
}

StatusOr<std::vector<std::vector<double>>> YamlMap::NumberLists(
    std::string_view key, NumberRange range) {
  CYTO8_ASSIGN_OR_RETURN(const YAML::Node list, impl_->FindSequence(key));
  std::vector<std::vector<double>> lists;
  for (const YAML::Node& entry : list) {
    if (entry.IsSequence()) {
      CYTO8_ASSIGN_OR_RETURN(std::vector<double> values,
                             NumbersOf(entry, key, range));
      lists.push_back(std::move(values));
    } else {
      CYTO8_ASSIGN_OR_RETURN(const double value, NumberOf(entry, key, range));
      lists.push_back({value});
    }
  }
  return lists;
}

StatusOr<size_t> YamlMap::Choice(std::string_view key,
                                 const std::vector<std::string_view>& choices) {
  CYTO8_ASSIGN_OR_RETURN(const std::string text, Text(key));
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found != choices.end()) {
    return static_cast<size_t>(found - choices.begin());
  }
  std::string list;
  for (const std::string_view choice : choices) {
    list += (list.empty() ? "" : ", ") + std::string(choice);
  }
  return InvalidArgument(PlaceOf(*impl_->Find(key), key) + " = \"" + text +
                         "\": must be one of " + list);
}

std::vector<std::string> YamlMap::Keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : impl_->node) keys.push_back(entry.first.Scalar());
  return keys;
}

std::vector<YamlEntry> YamlMap::Entries() const {
  std::vector<YamlEntry> entries;
  for (const auto& pair : impl_->node) {
    const YAML::Node& key = pair.first;
    const YAML::Node& value = pair.second;
    YamlEntry& entry = entries.emplace_back();
    entry.key_kind = KindOf(key);
    if (key.IsScalar()) entry.key = key.Scalar();
    entry.key_place = Place(key.Mark());
    entry.kind = KindOf(value);
    if (value.IsScalar()) entry.text = value.Scalar();
    entry.place =
        entry.kind == YamlKind::kNull ? entry.key_place : Place(value.Mark());
  }
  return entries;
}

YamlMap YamlMap::MapAt(size_t index) const {
  auto impl = std::make_shared<Impl>();
  auto entry = impl_->node.begin();
  for (size_t i = 0; i < index; ++i) ++entry;
  impl->node = YAML::Node(entry->second);
  return YamlMap(std::move(impl));
}

Status YamlMap::CheckNoOtherKeys() {
  const std::vector<std::string_view> known(impl_->known.begin(),
                                            impl_->known.end());
  for (const auto& entry : impl_->node) {
    const std::string& key = entry.first.Scalar();
    if (impl_->known.contains(key)) continue;
    return InvalidArgument(PlaceOf(entry.first, key) + ": unknown key" +
                           DidYouMean(key, known));
  }
  return OkStatus();
}

}  // namespace cyto8
