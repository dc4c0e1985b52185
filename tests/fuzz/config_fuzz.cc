// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file: mistakes, or values that the table of
// settings allows and that read back from what is shown of them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "app/config_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMaxSize = 1 << 14;  // larger ones are only slower.
  if (size > kMaxSize) return 0;
  const cyto8::ConfigFile file =
      cyto8::ParseConfig({reinterpret_cast<const char*>(data), size});
  cyto8::ScoreSettings settings;
  for (const cyto8::ConfigValue& value : file.values) {
    value.setting->set(value.value, settings);
    if (value.setting->get(settings) != value.value) std::abort();
  }
  return 0;
}
