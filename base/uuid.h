// SPDX-License-Identifier: Apache-2.0
// UUIDs of version 5 (RFC 4122, section 4.3): the same name in the same
// namespace is the same UUID. Tested by tests/base/uuid_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

using Uuid = std::array<uint8_t, 16>;  // in network byte order.

// From the SHA-1 of the namespace's 16 bytes and the name. kInternal if
// OpenSSL fails.
StatusOr<Uuid> NamedUuid(const Uuid& name_space, std::string_view name);

// "6ba7b811-9dad-11d1-80b4-00c04fd430c8": lower case.
std::string ToText(const Uuid& uuid);

}  // namespace cyto8
