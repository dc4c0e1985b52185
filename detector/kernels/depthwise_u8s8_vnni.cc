// SPDX-License-Identifier: Apache-2.0
// See depthwise_u8s8_vnni.h; the head of depthwise_u8s8_vnni_loops.h says why
// these groups.
#include "detector/kernels/depthwise_u8s8_vnni.h"

#include <utility>

namespace cyto8 {
namespace {

// Makes groups: a tap outside of the kernel has the weight 0.
class GroupList {
 public:
  explicit GroupList(int64_t kernel) : kernel_(kernel) {}

  int64_t Tap(int64_t ky, int64_t kx) const {
    const bool inside = ky >= 0 && ky < kernel_ && kx >= 0 && kx < kernel_;
    return inside ? ky * kernel_ + kx : -1;
  }
  // Rows ky .. ky + 3 of column kx.
  void AddColumn(int64_t ky, int64_t kx) {
    Add(Tap(ky, kx), Tap(ky + 1, kx), Tap(ky + 2, kx), Tap(ky + 3, kx));
  }
  // Columns kx .. kx + 3 of row ky.
  void AddRow(int64_t ky, int64_t kx) {
    Add(Tap(ky, kx), Tap(ky, kx + 1), Tap(ky, kx + 2), Tap(ky, kx + 3));
  }
  void Add(int64_t a, int64_t b, int64_t c, int64_t d) {
    groups_.push_back({a, b, c, d});
  }
  std::vector<DepthwiseTaps> Take() { return std::move(groups_); }

 private:
  int64_t kernel_;
  std::vector<DepthwiseTaps> groups_;
};

// Output row `row` sees its first tap in row `row` of the quads.
void AddColumns(int64_t kernel, int64_t rows, int64_t first, GroupList& list) {
  for (int64_t kx = 0; kx < kernel; ++kx) {
    for (int64_t row = 0; row < rows; ++row) list.AddColumn(first - row, kx);
  }
}

void Add5x5(int64_t stride, int64_t rows, GroupList& list) {
  AddColumns(5, rows, 1, list);
  for (int64_t x = 0; x < 4 / stride; ++x) {
    for (int64_t quad = 0; quad < 2; ++quad) {
      for (int64_t row = 0; row < rows; ++row) {
        list.AddRow(row == 0 ? 0 : 4, quad * 4 - x * stride);
      }
    }
  }
}

void Add3x3Stride2(GroupList& list) {
  list.Add(list.Tap(0, 0), list.Tap(1, 0), list.Tap(2, 0), list.Tap(2, 1));
  list.Add(list.Tap(0, 1), list.Tap(1, 1), -1, -1);
  list.Add(-1, -1, list.Tap(0, 1), list.Tap(1, 1));
  list.AddColumn(0, 2);
}

}  // namespace

std::vector<DepthwiseTaps> DepthwiseVnniGroups(int64_t kernel, int64_t stride) {
  const int64_t rows = stride == 1 ? 2 : 1;
  GroupList list(kernel);
  if (kernel == 5) {
    Add5x5(stride, rows, list);
  } else if (stride == 2) {
    Add3x3Stride2(list);
  } else {
    AddColumns(kernel, rows, 0, list);
  }
  return list.Take();
}

int64_t DepthwiseVnniChannel(int64_t block, int64_t j, int64_t dword) {
  return 16 * (dword / 4 % (block / 16)) + 4 * j + dword % 4;
}

}  // namespace cyto8
