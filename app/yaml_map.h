// SPDX-License-Identifier: Apache-2.0
// Strict reading of YAML maps: fixed keys only, each value checked, and a key
// that nobody asked for is an error with line, column and the nearest key. The
// one adapter to yaml-cpp for input. Tested by tests/app/yaml_map_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cyto8 {

struct NumberRange {
  double low;
  double high;
};

// One scalar or sequence entry with its place in the file.
struct YamlScalar {
  std::string text;
  std::string place;  // "line 3, column 5: key".
};

// Where something stands in the file, both from 1; the column counts bytes.
struct YamlPlace {
  int64_t line = 1;
  int64_t column = 1;
};

// "line 3, column 5".
std::string Describe(YamlPlace place);

enum class YamlKind {
  kNull,    // nothing, "~" or "null".
  kPlain,   // a scalar without quotes.
  kQuoted,  // a scalar in quotes, or a block scalar.
  kTagged,  // a scalar with a tag such as !!str.
  kList,
  kMap,
};

// One entry of a map as it was written.
struct YamlEntry {
  YamlKind key_kind = YamlKind::kPlain;
  std::string key = {};
  YamlPlace key_place = {};
  YamlKind kind = YamlKind::kNull;
  std::string text = {};  // of a scalar.
  YamlPlace place = {};   // of the value; of the key where the value is null.
};

// A map of the document. Reading marks keys as known; CheckNoOtherKeys() at the
// end refuses the rest. Not thread-safe; cheap to copy.
class YamlMap {
 public:
  // The text must be one document, which must be one map. kInvalidArgument with
  // line and column for text that is no UTF-8 or no YAML, for nesting that is
  // too deep, for duplicate keys.
  static StatusOr<YamlMap> Parse(std::string_view text);
  // The same, but leaves duplicate keys to the reader of Entries().
  static StatusOr<YamlMap> ParseWithDuplicates(std::string_view text);

  bool Has(std::string_view key);
  // A missing key is an error in all of these.
  StatusOr<std::string> Text(std::string_view key);
  StatusOr<int64_t> Int(std::string_view key, int64_t low, int64_t high);
  StatusOr<double> Number(std::string_view key, NumberRange range);
  StatusOr<YamlMap> Map(std::string_view key);
  // A sequence of maps, of scalars, of numbers.
  StatusOr<std::vector<YamlMap>> Maps(std::string_view key);
  StatusOr<std::vector<YamlScalar>> Scalars(std::string_view key);
  StatusOr<std::vector<double>> Numbers(std::string_view key, size_t count,
                                        NumberRange range);
  // One number, or a sequence of `count` numbers.
  StatusOr<std::vector<double>> NumberOrNumbers(std::string_view key,
                                                size_t count,
                                                NumberRange range);
  // Each entry a number or a sequence of numbers.
  StatusOr<std::vector<std::vector<double>>> NumberLists(std::string_view key,
                                                         NumberRange range);
  // The index of the value in `choices`.
  StatusOr<size_t> Choice(std::string_view key,
                          const std::vector<std::string_view>& choices);
  std::vector<std::string> Keys() const;

  // In the order of the file, duplicates included; marks nothing as known.
  std::vector<YamlEntry> Entries() const;
  // The map behind the entry of this index, whose kind is kMap; its duplicates
  // are left in.
  YamlMap MapAt(size_t index) const;

  Status CheckNoOtherKeys();

 private:
  struct Impl;
  explicit YamlMap(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace cyto8
