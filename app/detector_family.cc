// SPDX-License-Identifier: Apache-2.0
// Compiling for a size; see detector_family.h.
#include "app/detector_family.h"

#include <algorithm>

#include "app/network.h"
#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxTileSide = 8192;  // as the model card's input.

int64_t StepOf(int64_t max_level) { return int64_t{1} << max_level; }

int64_t RoundedUp(int64_t side, int64_t step) {
  return (side + step - 1) / step * step;
}

int64_t Area(const TileSize& size) { return size.width_px * size.height_px; }

bool Holds(const TileSize& size, int64_t width_px, int64_t height_px) {
  return size.width_px >= width_px && size.height_px >= height_px;
}

std::string ToText(const TileSize& size) {
  return std::to_string(size.width_px) + "x" + std::to_string(size.height_px);
}

}  // namespace

Status CheckTileSize(const TileSize& size, const TileSize& card_size,
                     int64_t max_level) {
  if (size == card_size) return OkStatus();
  const int64_t step = StepOf(max_level);
  const int64_t last = kMaxTileSide / step * step;
  const auto fits = [&](int64_t side) {
    return side >= step && side <= last && side % step == 0;
  };
  if (fits(size.width_px) && fits(size.height_px)) return OkStatus();
  return InvalidArgument("tile_px = " + ToText(size) + ": " +
                         (fits(size.width_px) ? "height" : "width") +
                         " must be a multiple of " + std::to_string(step) +
                         " in [" + std::to_string(step) + ", " +
                         std::to_string(last) + "]");
}

DetectorFamily::DetectorFamily(DetectorFamilyOptions options)
    : options_(std::move(options)) {}

StatusOr<TileSize> DetectorFamily::SmallestSize(int64_t width_px,
                                                int64_t height_px) const {
  const int64_t step = StepOf(options_.anchors.max_level);
  const int64_t last = kMaxTileSide / step * step;
  const TileSize& card = options_.card_size;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width_px", width_px, 1, std::max(last, card.width_px)));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("height_px", height_px, 1, std::max(last, card.height_px)));
  const TileSize rounded = {.width_px = RoundedUp(width_px, step),
                            .height_px = RoundedUp(height_px, step)};
  const bool card_fits = Holds(card, width_px, height_px);
  if (card_fits && Area(card) <= Area(rounded)) return card;
  CYTO8_RETURN_IF_ERROR(
      CheckTileSize(rounded, card, options_.anchors.max_level));
  return rounded;
}

// Finds or adds; drops the oldest beyond the bound.
std::shared_ptr<DetectorFamily::Slot> DetectorFamily::SlotOf(
    const Key& key) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Slot>& slot = slots_[key];
  if (!slot) slot = std::make_shared<Slot>();
  slot->last_use = ++uses_;
  const std::shared_ptr<Slot> found = slot;
  if (std::ssize(slots_) > options_.max_kept) {
    slots_.erase(std::min_element(
        slots_.begin(), slots_.end(), [](const auto& a, const auto& b) {
          return a.second->last_use < b.second->last_use;
        }));
  }
  return found;
}

StatusOr<std::shared_ptr<const Detector>> DetectorFamily::ForTile(
    int64_t width_px, int64_t height_px) const {
  const TileSize size = {.width_px = width_px, .height_px = height_px};
  CYTO8_RETURN_IF_ERROR(
      CheckTileSize(size, options_.card_size, options_.anchors.max_level));
  const std::shared_ptr<Slot> slot = SlotOf({width_px, height_px});
  const std::lock_guard lock(slot->mutex);
  if (!slot->detector) {
    StatusOr<std::shared_ptr<const Detector>> made = Compile(size);
    if (!made.ok() && size != options_.card_size) {
      return Annotate(made.status(), "tile_px = " + ToText(size));
    }
    CYTO8_ASSIGN_OR_RETURN(slot->detector, std::move(made));
  }
  return slot->detector;
}

StatusOr<std::shared_ptr<const Detector>> DetectorFamily::Compile(
    const TileSize& size) const {
  Graph network = options_.network;
  if (size != options_.card_size) {
    CYTO8_ASSIGN_OR_RETURN(
        network, NetworkForSize(std::move(network), size.height_px,
                                size.width_px, options_.compile.limits));
  }
  CYTO8_ASSIGN_OR_RETURN(std::shared_ptr<const CompiledModel> model,
                         CompiledModel::Create(network, options_.compile));
  AnchorGeneratorOptions anchors = options_.anchors;
  anchors.image_width_px = size.width_px;
  anchors.image_height_px = size.height_px;
  DetectorOptions detector = options_.detector;
  CYTO8_ASSIGN_OR_RETURN(detector.anchors, GenerateAnchors(anchors));
  return Detector::Create(std::move(model), std::move(detector));
}

}  // namespace cyto8
