// SPDX-License-Identifier: Apache-2.0
// UUIDs from names; see uuid.h.
#include "base/uuid.h"

#include <openssl/evp.h>

#include <algorithm>
#include <vector>

namespace cyto8 {

StatusOr<Uuid> NamedUuid(const Uuid& name_space, std::string_view name) {
  constexpr size_t kSha1Bytes = 20;
  std::vector<uint8_t> bytes(name_space.begin(), name_space.end());
  bytes.insert(bytes.end(), name.begin(), name.end());
  std::array<uint8_t, kSha1Bytes> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(),
                 nullptr) != 1 ||
      size != digest.size()) {
    return Internal("OpenSSL could not compute a SHA-1");
  }
  Uuid uuid{};
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<uint8_t>((uuid[6] & 0x0f) | 0x50);  // version 5.
  uuid[8] = static_cast<uint8_t>((uuid[8] & 0x3f) | 0x80);  // RFC 4122.
  return uuid;
}

std::string ToText(const Uuid& uuid) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[uuid[i] >> 4];
    text += kDigits[uuid[i] & 15];
  }
  return text;
}

}  // namespace cyto8
