// SPDX-License-Identifier: Apache-2.0
// Tests of base/uuid.h against values of other programs.
#include "base/uuid.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

// RFC 4122, appendix C.
constexpr Uuid kDnsNamespace = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
constexpr Uuid kUrlNamespace = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

std::string Named(const Uuid& name_space, std::string_view name) {
  return ToText(NamedUuid(name_space, name).value());
}

// Python: uuid.uuid5(uuid.NAMESPACE_DNS, "www.example.com") and so on.
TEST(NamedUuidTest, EqualsPython) {
  EXPECT_EQ(Named(kDnsNamespace, "www.example.com"),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  EXPECT_EQ(Named(kUrlNamespace, "urn:cyto8:detection"),
            "12edd6e6-7a81-5f32-a8e5-1ffd44368b4c");
}

TEST(NamedUuidTest, HasVersionAndVariantWhateverTheName) {
  for (int i = 0; i < 300; ++i) {
    const Uuid uuid = NamedUuid(kDnsNamespace, std::to_string(i)).value();
    EXPECT_EQ(uuid[6] >> 4, 5);
    EXPECT_EQ(uuid[8] >> 6, 2);
  }
}

TEST(ToTextTest, IsTheUsualForm) {
  EXPECT_EQ(ToText(kDnsNamespace), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
}

}  // namespace
}  // namespace cyto8
