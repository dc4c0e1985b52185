// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JPEG: an error or a picture of the size that the header gives.
// The seeds were made by Pillow from computed pictures, like the images of
// tests/tiling/golden.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/row_portions.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cyto8::ReadRowsInPortions(std::as_bytes(std::span(data, size)),
                            cyto8::ImageFormat::kJpeg);
  return 0;
}
