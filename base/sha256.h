// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) by OpenSSL. Tested by tests/base/sha256_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

using Sha256Digest = std::array<uint8_t, 32>;

// kInternal if OpenSSL fails.
StatusOr<Sha256Digest> Sha256(std::span<const std::byte> bytes);

// Of a whole file, read in blocks; for a regular file only (kInvalidArgument).
StatusOr<Sha256Digest> Sha256OfFile(FileSystem& files, const std::string& path);

// 64 lower-case hexadecimal digits.
std::string ToHex(const Sha256Digest& digest);

}  // namespace cyto8
