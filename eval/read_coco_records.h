// SPDX-License-Identifier: Apache-2.0
// The one door to nlohmann's SAX parser: COCO files as a stream of records, so
// that a million boxes never stand in memory as a document. Knows which keys
// matter, not what they mean. Tested by tests/eval/read_coco_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// The keys that are kept; all others are skipped with whatever they hold.
enum class CocoKey {
  kId,
  kImageId,
  kCategoryId,
  kBbox,
  kArea,
  kIsCrowd,
  kScore,
  kFileName,
  kWidth,
  kHeight,
  kName,
};
inline constexpr size_t kCocoKeys = 11;
std::string_view CocoKeyName(CocoKey key);

// One value as it stands in the file.
struct CocoValue {
  enum class Kind { kMissing, kInteger, kReal, kBool, kText, kNumbers, kOther };
  Kind kind = Kind::kMissing;
  int64_t integer = 0;  // of kInteger and kBool.
  double real = 0;      // of kInteger, too.
  std::string text = {};
  // A list of numbers only: how many there were and the first four.
  int64_t count = 0;
  std::array<double, 4> numbers = {};

  bool is_number() const {
    return kind == Kind::kInteger || kind == Kind::kReal;
  }
};

// The last value of each key, as a dictionary would keep it.
class CocoRecord {
 public:
  const CocoValue& operator[](CocoKey key) const {
    return values_[static_cast<size_t>(key)];
  }
  CocoValue& operator[](CocoKey key) {
    return values_[static_cast<size_t>(key)];
  }
  void Clear() {
    for (CocoValue& value : values_) value.kind = CocoValue::Kind::kMissing;
  }

 private:
  std::array<CocoValue, kCocoKeys> values_;
};

// Called for each record in the order of the file, with its list and its place
// there. An error ends the reading.
using CocoRecordSink = std::function<Status(
    std::string_view list, int64_t index, const CocoRecord& record)>;

struct CocoList {
  std::string_view name = {};
  bool required = true;
};

// The file is an object that holds lists of objects: reads those of `lists`,
// each at most once. kInvalidArgument with line and column, list and index, or
// the list that is missing.
Status ReadCocoLists(std::span<const std::byte> bytes,
                     std::span<const CocoList> lists,
                     const CocoRecordSink& sink);

// The file is one list of objects; the sink gets it under the name "".
Status ReadCocoList(std::span<const std::byte> bytes,
                    const CocoRecordSink& sink);

// "annotations[3]", or "[3]" for the list without a name.
std::string CocoPlace(std::string_view list, int64_t index);

}  // namespace cyto8
