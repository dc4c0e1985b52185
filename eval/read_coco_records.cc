// SPDX-License-Identifier: Apache-2.0
// A state machine over SAX events; see read_coco_records.h. Depth counts open
// brackets: records are the objects in a list at list_depth_, their values
// stand one deeper. nlohmann keeps its own stack on the heap, so deep nesting
// costs memory in proportion to the file and no more.
#include "eval/read_coco_records.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace cyto8 {
namespace {

using Json = nlohmann::json;
using Kind = CocoValue::Kind;

constexpr std::array<std::string_view, kCocoKeys> kKeyNames = {
    "id",    "image_id",  "category_id", "bbox",   "area", "iscrowd",
    "score", "file_name", "width",       "height", "name"};

// "line 3, column 5" of the byte before which reading stopped.
std::string PlaceInText(std::string_view text, size_t position) {
  const std::string_view read = text.substr(0, position);
  const size_t start = read.rfind('\n') + 1;  // npos + 1 is 0.
  return "line " + std::to_string(std::ranges::count(read, '\n') + 1) +
         ", column " + std::to_string(read.size() - start);
}

class RecordParser final : public nlohmann::json_sax<Json> {
 public:
  // Without lists the file itself is the list.
  RecordParser(std::string_view text, std::span<const CocoList> lists,
               const CocoRecordSink& sink)
      : text_(text),
        lists_(lists),
        sink_(sink),
        list_depth_(lists.empty() ? 1 : 2),
        seen_(lists.size()) {}

  Status Read() {
    if (Json::sax_parse(text_.begin(), text_.end(), this)) return OkStatus();
    return status_.ok() ? InvalidArgument("is not valid JSON") : status_;
  }
  Status CheckSeen() const;

  bool null() override { return Scalar({.kind = Kind::kOther}); }
  bool boolean(bool value) override {
    return Scalar({.kind = Kind::kBool, .integer = value ? 1 : 0});
  }
  bool number_integer(int64_t value) override {
    return Number({.kind = Kind::kInteger,
                   .integer = value,
                   .real = static_cast<double>(value)});
  }
  bool number_unsigned(uint64_t value) override {
    constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
    if (value <= kMax) return number_integer(static_cast<int64_t>(value));
    return Number({.kind = Kind::kReal, .real = static_cast<double>(value)});
  }
  bool number_float(double value, const std::string& /*text*/) override {
    return Number({.kind = Kind::kReal, .real = value});
  }
  bool string(std::string& value) override {
    if (depth_ == list_depth_ + 1 && in_list_ && value_ != nullptr) {
      value_->kind = Kind::kText;
      value_->text.swap(value);
      return true;
    }
    return Scalar({.kind = Kind::kOther});
  }
  bool binary(Json::binary_t& /*value*/) override { return false; }

  bool key(std::string& name) override;
  bool start_object(size_t size) override;
  bool end_object() override;
  bool start_array(size_t size) override;
  bool end_array() override;
  bool parse_error(size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override;

 private:
  std::string_view ListName() const {
    return lists_.empty() ? std::string_view() : lists_[list_].name;
  }
  bool Fail(Status status) {
    status_ = std::move(status);
    return false;
  }
  bool Number(const CocoValue& number);
  bool Scalar(const CocoValue& value);
  bool BeginList();
  // Fails where a list, or an object inside of a list, must stand: called for
  // every value that is neither.
  bool MayStandHere();

  std::string_view text_;
  std::span<const CocoList> lists_;
  const CocoRecordSink& sink_;
  int64_t list_depth_;
  int64_t depth_ = 0;
  size_t list_ = 0;  // of the key read last; lists_.size(): not wanted.
  bool in_list_ = false;
  int64_t index_ = 0;  // of the record in its list.
  CocoRecord record_;
  CocoValue* value_ = nullptr;  // of the key read last; null: not wanted.
  std::vector<bool> seen_;      // which of lists_.
  Status status_;
};

Status RecordParser::CheckSeen() const {
  for (size_t i = 0; i < lists_.size(); ++i) {
    if (lists_[i].required && !seen_[i]) {
      return InvalidArgument(std::string(lists_[i].name) + ": is missing");
    }
  }
  return OkStatus();
}

bool RecordParser::MayStandHere() {
  if (depth_ == 0) {
    return Fail(InvalidArgument(lists_.empty() ? "must be a list of objects"
                                               : "must be a JSON object"));
  }
  if (in_list_ && depth_ == list_depth_) {
    return Fail(
        InvalidArgument(CocoPlace(ListName(), index_) + ": must be an object"));
  }
  if (!in_list_ && list_ < lists_.size() && depth_ == list_depth_ - 1) {
    return Fail(InvalidArgument(std::string(ListName()) + ": must be a list"));
  }
  return true;
}

bool RecordParser::Number(const CocoValue& number) {
  const bool in_value = in_list_ && depth_ == list_depth_ + 2;
  if (!in_value || value_ == nullptr || value_->kind != Kind::kNumbers) {
    return Scalar(number);
  }
  const auto place = static_cast<size_t>(value_->count);
  if (place < value_->numbers.size()) value_->numbers[place] = number.real;
  ++value_->count;
  return true;
}

bool RecordParser::Scalar(const CocoValue& value) {
  if (!MayStandHere()) return false;
  if (!in_list_ || value_ == nullptr) return true;
  if (depth_ == list_depth_ + 1) {
    value_->kind = value.kind;
    value_->integer = value.integer;
    value_->real = value.real;
  } else {
    value_->kind = Kind::kOther;  // inside of a list of numbers.
  }
  return true;
}

bool RecordParser::key(std::string& name) {
  if (in_list_ && depth_ == list_depth_ + 1) {
    const auto found = std::ranges::find(kKeyNames, name);
    value_ = found == kKeyNames.end()
                 ? nullptr
                 : &record_[static_cast<CocoKey>(found - kKeyNames.begin())];
  } else if (!in_list_ && depth_ == list_depth_ - 1) {
    const auto found = std::ranges::find(lists_, name, &CocoList::name);
    list_ = static_cast<size_t>(found - lists_.begin());
  }
  return true;
}

bool RecordParser::start_object(size_t /*size*/) {
  const bool is_record = in_list_ && depth_ == list_depth_;
  const bool is_document = depth_ == 0 && !lists_.empty();
  if (!is_record && !is_document && !MayStandHere()) return false;
  if (is_record) {
    record_.Clear();
    value_ = nullptr;
  } else if (in_list_ && value_ != nullptr) {
    value_->kind = Kind::kOther;
  }
  ++depth_;
  return true;
}

bool RecordParser::end_object() {
  --depth_;
  if (!in_list_ || depth_ != list_depth_) return true;
  const Status status = sink_(ListName(), index_, record_);
  ++index_;
  return status.ok() || Fail(status);
}

bool RecordParser::BeginList() {
  if (list_ < lists_.size()) {
    if (seen_[list_]) {
      return Fail(InvalidArgument(std::string(ListName()) + ": stands twice"));
    }
    seen_[list_] = true;
  }
  in_list_ = true;
  index_ = 0;
  ++depth_;
  return true;
}

bool RecordParser::start_array(size_t /*size*/) {
  const bool is_list = !in_list_ && depth_ == list_depth_ - 1 &&
                       (lists_.empty() || list_ < lists_.size());
  if (is_list) return BeginList();
  if (!MayStandHere()) return false;
  if (in_list_ && value_ != nullptr) {
    const bool is_value = depth_ == list_depth_ + 1;
    value_->kind = is_value ? Kind::kNumbers : Kind::kOther;
    value_->count = 0;
  }
  ++depth_;
  return true;
}

bool RecordParser::end_array() {
  --depth_;
  if (in_list_ && depth_ == list_depth_ - 1) in_list_ = false;
  return true;
}

bool RecordParser::parse_error(size_t position, const std::string& /*token*/,
                               const nlohmann::detail::exception& /*error*/) {
  return Fail(
      InvalidArgument(PlaceInText(text_, position) + ": is not valid JSON"));
}

std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string_view CocoKeyName(CocoKey key) {
  return kKeyNames[static_cast<size_t>(key)];
}

Status ReadCocoLists(std::span<const std::byte> bytes,
                     std::span<const CocoList> lists,
                     const CocoRecordSink& sink) {
  RecordParser parser(TextOf(bytes), lists, sink);
  CYTO8_RETURN_IF_ERROR(parser.Read());
  return parser.CheckSeen();
}

Status ReadCocoList(std::span<const std::byte> bytes,
                    const CocoRecordSink& sink) {
  return RecordParser(TextOf(bytes), {}, sink).Read();
}

std::string CocoPlace(std::string_view list, int64_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

}  // namespace cyto8
