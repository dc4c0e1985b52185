// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) by OpenSSL. Tested by tests/base/sha256_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

using Sha256Digest = std::array<uint8_t, 32>;

// A digest of bytes that come piece by piece. kInternal if OpenSSL fails; then
// every later call fails too. Movable; belongs to one thread.
class Sha256Hasher {
 public:
  Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  ~Sha256Hasher();

  Status Append(std::span<const std::byte> bytes);
  // At most once.
  StatusOr<Sha256Digest> Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The digest of bytes in memory.
StatusOr<Sha256Digest> Sha256(std::span<const std::byte> bytes);

// Of a whole file, read in blocks; for a regular file only (kInvalidArgument).
// kUnavailable once a stop was asked for.
StatusOr<Sha256Digest> Sha256OfFile(FileSystem& files, const std::string& path,
                                    const std::stop_token& stop = {});

// 64 lower-case hexadecimal digits.
std::string ToHex(const Sha256Digest& digest);

}  // namespace cyto8
