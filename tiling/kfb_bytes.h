// SPDX-License-Identifier: Apache-2.0
// What the readers of KFB parts share: little-endian numbers, markers, and
// errors that begin with "damaged KFB: ". Tested by
// tests/tiling/kfb_index_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/input_file.h"
#include "base/status.h"

namespace cyto8 {

// The number at an offset; it lies inside of the bytes.
uint32_t LoadU32(std::span<const std::byte> bytes, int64_t at);
int32_t LoadI32(std::span<const std::byte> bytes, int64_t at);
int64_t LoadI64(std::span<const std::byte> bytes, int64_t at);
float LoadF32(std::span<const std::byte> bytes, int64_t at);

// Whether the bytes at an offset are `marker`.
bool HasMarker(std::span<const std::byte> bytes, int64_t at,
               std::string_view marker);

// kDataLoss, "damaged KFB: ...".
Status DamagedKfb(const std::string& what);
// kDataLoss unless low <= value <= high.
Status CheckKfbField(std::string_view name, int64_t value, int64_t low,
                     int64_t high);

// All of dst from a position of the file, which may be any number; kDataLoss
// if the file ends before.
Status ReadKfbPart(ByteSource& bytes, int64_t position,
                   std::span<std::byte> dst, const std::string& name);

}  // namespace cyto8
