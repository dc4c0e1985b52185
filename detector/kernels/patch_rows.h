// SPDX-License-Identifier: Apache-2.0
// The patches of an image that a dense convolution multiplies (im2col), a few
// output pixels at a time: with them it is a 1x1 convolution of
// kernel_height * kernel_width * in_channels inputs. Tested by
// tests/detector/kernels/patch_rows_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/conv2d_f32.h"

namespace cyto8 {

// Patches of output pixels [first, last), counted y * out_width + x, of one
// image: dst [last - first, kernel_height, kernel_width, in_channels], packed
// without gaps. Outside of the image channel c is pad[c]. Checks nothing.
void CopyPatches(const Conv2dShape& shape, const uint8_t* src,
                 const uint8_t* pad, int64_t first, int64_t last, uint8_t* dst);

}  // namespace cyto8
