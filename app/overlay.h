// SPDX-License-Identifier: Apache-2.0
// The picture that a person looks at: the image with a coloured box and the
// score for each cell, made band by band so that the image never has to stand
// in memory. Tested by tests/app/overlay_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "app/model_card.h"
#include "app/score_result.h"
#include "app/sink.h"
#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

// The next `rows` rows of an image, RGB, from top to bottom.
using RowReader =
    std::function<Status(int64_t rows, uint8_t* dst, int64_t stride_bytes)>;

// Pixels that may be changed: rows [y_px, y_px + height_px) of an image.
struct Band {
  uint8_t* data = nullptr;
  int64_t width_px = 0;
  int64_t height_px = 0;
  int64_t stride_bytes = 0;
  int64_t y_px = 0;
};

// Draws cells on bands. What a pixel becomes does not depend on how the image
// is cut into bands. Not thread-safe.
class OverlayPainter {
 public:
  // Boxes are in pixels of the image, in the order of DetectionBefore; what
  // reaches past it is cut, the highest score is on top. Both lists outlive
  // the painter; every class id is one of `classes`.
  OverlayPainter(std::span<const Detection> cells,
                 std::span<const CardClass> classes);

  // Bands come from top to bottom. kInternal if OpenCV, which draws the
  // letters, fails.
  Status Paint(const Band& band);

 private:
  // A label as two masks, 0 to 255: white around the letters, and the letters.
  struct Label {
    int64_t width_px = 0;
    std::vector<uint8_t> halo;
    std::vector<uint8_t> ink;
  };
  StatusOr<const Label*> LabelOf(const std::string& text);
  Status PaintCell(const Detection& cell, const Band& band);
  void ChooseActive(const Band& band);

  std::span<const Detection> cells_;
  std::span<const CardClass> classes_;
  std::vector<size_t> by_top_;       // indices of cells, by their first row.
  size_t next_ = 0;                  // in by_top_: not active yet.
  std::vector<size_t> active_ = {};  // cells that may reach into the band.
  std::map<std::string, Label> labels_ = {};
};

struct OverlaySize {
  int64_t width_px = 0;
  int64_t height_px = 0;
  int64_t band_rows = 0;  // at a time; 0: as many as fit in some MiB.
};

// Whether JPEG can hold a picture of that size.
bool OverlayFits(const OverlaySize& size);

// overlay.jpg of docs/formats.md, section 3. kInvalidArgument unless
// OverlayFits(); else fails as the rows, the memory or the sink do.
Status WriteOverlay(const OverlaySize& size, OverlayPainter painter,
                    const RowReader& rows, const Sink& sink);

}  // namespace cyto8
