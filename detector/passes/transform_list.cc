// SPDX-License-Identifier: Apache-2.0
// A recursive-descent parser; the grammar is in transform_list.h.
#include "detector/passes/transform_list.h"

#include <utility>

namespace cyto8 {
namespace {

// Locale-free, unlike <cctype>.
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_';
}

bool IsBareCharacter(char c) {
  return !IsSpace(c) && c != '"' && c != ',' && c != ')';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  StatusOr<std::vector<Transform>> ParseList() {
    std::vector<Transform> transforms;
    SkipSpace();
    while (position_ < text_.size()) {
      CYTO8_ASSIGN_OR_RETURN(Transform transform, ParseTransform());
      transforms.push_back(std::move(transform));
      SkipSpace();
    }
    return transforms;
  }

 private:
  StatusOr<Transform> ParseTransform() {
    Transform transform{.name = TakeWhile(IsNameCharacter), .arguments = {}};
    if (transform.name.empty()) return Expected("the name of a transform");
    if (!Accept('(') || Accept(')')) return transform;
    do {
      CYTO8_ASSIGN_OR_RETURN(TransformArgument argument, ParseArgument());
      transform.arguments.push_back(std::move(argument));
    } while (Accept(','));
    if (!Accept(')')) return Expected("\",\" or \")\"");
    return transform;
  }

  StatusOr<TransformArgument> ParseArgument() {
    SkipSpace();
    TransformArgument argument{.key = TakeWhile(IsNameCharacter), .value = {}};
    if (argument.key.empty()) return Expected("the name of an argument");
    if (!Accept('=')) return Expected("\"=\"");
    if (!Accept('"')) {
      argument.value = TakeWhile(IsBareCharacter);
      if (argument.value.empty()) return Expected("a value");
      return argument;
    }
    argument.value = TakeWhile([](char c) { return c != '"'; });
    if (!Accept('"')) return Expected("a closing quote");
    return argument;
  }

  void SkipSpace() { TakeWhile(IsSpace); }

  template <typename Predicate>
  std::string TakeWhile(const Predicate& belongs) {
    const size_t start = position_;
    while (position_ < text_.size() && belongs(text_[position_])) ++position_;
    return std::string(text_.substr(start, position_ - start));
  }

  // Takes `c`, white space before it and, but for a quote, behind it.
  bool Accept(char c) {
    size_t next = position_;
    while (next < text_.size() && IsSpace(text_[next])) ++next;
    if (next == text_.size() || text_[next] != c) return false;
    position_ = next + 1;
    if (c != '"') SkipSpace();
    return true;
  }

  Status Expected(std::string_view what) const {
    const std::string found =
        position_ < text_.size()
            ? "\"" + std::string(1, text_[position_]) + "\""
            : "the end";
    return InvalidArgument("transforms, character " +
                           std::to_string(position_ + 1) + ": expected " +
                           std::string(what) + ", found " + found);
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

StatusOr<std::vector<Transform>> ParseTransforms(std::string_view text) {
  return Parser(text).ParseList();
}

}  // namespace cyto8
