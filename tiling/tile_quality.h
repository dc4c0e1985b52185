// SPDX-License-Identifier: Apache-2.0
// How well a tile can be read: focus, light, stain, foreign colours. Pixels in,
// a few numbers out; under 1 ms for 768 px x 768 px. Tested by
// tests/tiling/tile_quality_test.cc.
//
// Focus. On the green channel at half size (2 x 2 means), where g is half the
// central difference and l the second difference along each axis, an edge pixel
// is one with |g| >= 10 levels. Over those,
//   edge_width_px = 2 sqrt(sum g^2 / (2 sum l^2)):
// gradient energy (Tenengrad) over that of the Laplacian. For a step blurred
// by a Gaussian it is the sigma in pixels of the tile, whatever the step's
// height; so neither contrast, stain nor emptiness counts as blur. What is
// smaller than two pixels or so reads as 1.
//
// 158 tiles of CRIC training fields (0.25 um/px), all in percent; width is the
// 2nd, 50th and 98th percentile of edge_width_px:
//   as they are          width 0.9 1.2 1.5   in focus 100  pale 2   dark 0
//   blurred, sigma 1 px        1.3 1.6 1.9   in focus 99
//   sigma 2                    2.2 2.6 2.8   blurred 100
//   sigma 2, then noise 3      2.1 2.4 2.6   blurred 99
//   sigma 4                    4.2 4.8 5.4   blurred 100
//   optical density x 0.5      1.0 1.3 1.7   in focus 100  pale 70  dark 0
//   optical density x 2        0.8 1.0 1.3   in focus 100  pale 0   dark 0
//   light x 0.6                1.0 1.2 1.7   in focus 100  pale 2   dark 100
// So a strong stain has no flag: fields differ more than by a factor of 2.
// kArtefact: 0 as they are, 6 at double density; no slide with pen marks or
// bubbles was at hand.
//
// Everything else comes from every fourth pixel of every fourth row. Sums are
// integers, so a tile has the same numbers on every CPU.
#pragma once

#include <cstdint>

#include "base/image_view.h"

namespace cyto8 {

// Bits of TileQuality::flags. A tile with too few edges to tell (empty glass)
// is neither in focus nor blurred.
enum TileFlag : uint32_t {
  kInFocus = 1,
  kBlurred = 2,
  kTooDark = 4,   // little light, or all of it covered.
  kPale = 8,      // much to see, but nothing as dark as a nucleus.
  kArtefact = 16  // pen, or dark without colour: bubble rims, dirt.
};

// The defaults go with tiles of about 0.25 um/px.
struct TileQualityLimits {
  double least_edge_share = 0.005;      // to tell the focus.
  double blurred_width_px = 2.0;        // wider edges: blurred.
  int64_t dark_bright_level = 160;      // bright below: too dark.
  double pale_least_edge_share = 0.03;  // to tell that it is pale.
  double pale_dark_ratio = 0.25;        // dark / bright above: pale.
  double artefact_pen_share = 0.05;     // above: artefact.
  double artefact_grey_share = 0.25;    // likewise.
};

struct TileQuality {
  double edge_share = 0;     // of the pixels at half size, [0, 1].
  double edge_width_px = 0;  // 0 without edges.
  // Levels of green that a share of the pixels does not exceed.
  int64_t dark_level = 0;    // 1 in 1000.
  int64_t median_level = 0;  // 1 in 2.
  int64_t bright_level = 0;  // 98 in 100.
  // Mean of largest minus smallest channel over pixels that have a channel
  // below 200; 0 if there are none.
  double saturation = 0;
  double pen_share = 0;   // of pixels with a hue that no Pap stain has.
  double grey_share = 0;  // of pixels dark in all channels alike.
  uint32_t flags = 0;     // TileFlag.

  bool Has(TileFlag flag) const { return (flags & flag) != 0; }
};

// `pixels` is the tile without its padding. An empty one has no flags.
TileQuality MeasureTileQuality(const ImageView& pixels,
                               const TileQualityLimits& limits = {});

}  // namespace cyto8
