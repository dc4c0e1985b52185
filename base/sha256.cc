// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL; see sha256.h.
#include "base/sha256.h"

#include <openssl/evp.h>

namespace cyto8 {

StatusOr<Sha256Digest> Sha256(std::span<const std::byte> bytes) {
  Sha256Digest digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(),
                 nullptr) != 1 ||
      size != digest.size()) {
    return Internal("OpenSSL could not compute a SHA-256");
  }
  return digest;
}

std::string ToHex(const Sha256Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace cyto8
