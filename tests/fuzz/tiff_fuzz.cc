// SPDX-License-Identifier: Apache-2.0
// Any bytes as a TIFF: an error or a picture of the size that the header gives.
// The seeds were made by EncodeTiff of tests/support from a computed picture.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/row_portions.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cyto8::ReadRowsInPortions(std::as_bytes(std::span(data, size)),
                            cyto8::ImageFormat::kTiff);
  return 0;
}
