// SPDX-License-Identifier: Apache-2.0
// Sides before and after; see reshape_rules.h.
#include "detector/passes/reshape_rules.h"

#include <string>

namespace cyto8 {
namespace {

std::string AxisName(size_t axis) {
  return axis == kHeightAxis ? "height " : "width ";
}

// Hands out the elements of a shape from its end: the sides of the result are
// taken off the sides of the input.
class SideReader {
 public:
  SideReader(const Shape& before, const Shape& after)
      : before_(before), after_(after), next_(before.size()) {}

  // What the next `wanted` elements become.
  std::optional<int64_t> Take(int64_t wanted) {
    int64_t result = 1;
    while (wanted > 1) {
      if (rest_ == 1 && !Advance()) return std::nullopt;
      if (wanted % rest_ == 0) {
        wanted /= rest_;
        result *= whole_ ? after_[next_] : rest_;
        rest_ = 1;
      } else if (rest_ % wanted == 0 && before_[next_] == after_[next_]) {
        result *= wanted;
        rest_ /= wanted;
        whole_ = false;
        wanted = 1;
      } else {
        return std::nullopt;
      }
    }
    return result;
  }

  bool AtEnd() { return rest_ == 1 && !Advance() && next_ == 0; }

 private:
  // To the next side above 1; false at the end or at one that grows from 1.
  bool Advance() {
    while (next_ > 0 && before_[next_ - 1] == 1) {
      if (after_[next_ - 1] != 1) return false;
      --next_;
    }
    if (next_ == 0) return false;
    rest_ = before_[--next_];
    whole_ = true;
    return true;
  }

  const Shape& before_;
  const Shape& after_;
  size_t next_;       // the side in hand, or one behind the next.
  int64_t rest_ = 1;  // of the side in hand.
  bool whole_ = true;
};

bool HasEmptySide(const Shape& shape) {
  for (const int64_t side : shape) {
    if (side < 1) return true;
  }
  return false;
}

}  // namespace

void SideTable::Note(const Shape& before, const Shape& after) {
  for (const size_t axis : {kHeightAxis, kWidthAxis}) {
    sides_[axis - kHeightAxis][before[axis]].insert(after[axis]);
  }
}

std::set<int64_t> SideTable::Find(size_t axis, int64_t before) const {
  const auto& sides = sides_[axis - kHeightAxis];
  const auto found = sides.find(before);
  return found == sides.end() ? std::set<int64_t>() : found->second;
}

StatusOr<int64_t> SideTable::Only(size_t axis, int64_t before) const {
  const std::set<int64_t> found = Find(axis, before);
  if (found.size() == 1) return *found.begin();
  const std::string side = AxisName(axis) + std::to_string(before) + " px: ";
  if (found.empty()) {
    return InvalidArgument(side + "no map before it has this side");
  }
  return InvalidArgument(side + "maps of this side become " +
                         std::to_string(*found.begin()) + " or " +
                         std::to_string(*found.rbegin()) + " px");
}

StatusOr<int64_t> SideTable::ResizeTarget(size_t axis, SideChange map,
                                          int64_t target) const {
  const std::set<int64_t> found = Find(axis, target);
  if (found.size() == 1) return *found.begin();
  if (target % map.before == 0) {
    const int64_t multiple = target / map.before * map.after;
    if (found.empty() || found.contains(multiple)) return multiple;
  }
  return Only(axis, target);
}

std::optional<Shape> FollowReshape(const Shape& before_in,
                                   const Shape& after_in,
                                   const Shape& before_out) {
  if (before_in == before_out) return after_in;
  if (HasEmptySide(before_in) || HasEmptySide(before_out)) return std::nullopt;
  SideReader reader(before_in, after_in);
  Shape after_out(before_out.size(), 1);
  for (size_t i = before_out.size(); i-- > 0;) {
    const std::optional<int64_t> side = reader.Take(before_out[i]);
    if (!side) return std::nullopt;
    after_out[i] = *side;
  }
  if (!reader.AtEnd()) return std::nullopt;
  return after_out;
}

}  // namespace cyto8
