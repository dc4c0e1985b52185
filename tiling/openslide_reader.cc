// SPDX-License-Identifier: Apache-2.0
// The one adapter to OpenSlide; see openslide_reader.h. A handle keeps its
// first error for ever, and an error clears what was to be read, so it is asked
// for after every call.
#include "tiling/openslide_reader.h"

#include <openslide/openslide.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/numbers.h"
#include "tiling/row_source.h"
#include "tiling/slide_block.h"

namespace cyto8 {
namespace {

constexpr int64_t kUsualBlockPx = 256;
constexpr int64_t kMinBlockPx = 64;  // smaller ones would cost more than give.
constexpr int64_t kMaxBlockPx = 2048;
constexpr int64_t kMaxLevels = 64;
constexpr int64_t kCacheBytes = int64_t{32} << 20;  // of each handle.

// The um/px of a microscope, as in tiff_layout.cc.
constexpr double kMinUmPerPx = 0.05;
constexpr double kMaxUmPerPx = 10;
constexpr double kMaxMagnification = 1000;

struct Closer {
  void operator()(openslide_t* slide) const { openslide_close(slide); }
};
using Handle = std::unique_ptr<openslide_t, Closer>;

Status ErrorOf(openslide_t* slide) {
  const char* error = openslide_get_error(slide);
  if (error == nullptr) return OkStatus();
  return DataLoss(std::string("OpenSlide: ") + error);
}

StatusOr<Handle> OpenHandle(const std::string& path) {
  Handle handle(openslide_open(path.c_str()));
  if (handle == nullptr) {
    return Unimplemented("is no slide that OpenSlide knows");
  }
  CYTO8_RETURN_IF_ERROR(ErrorOf(handle.get()));
  return handle;
}

// A property that is on the list of those which may leave the slide.
StatusOr<std::optional<std::string>> Property(openslide_t* slide,
                                              const std::string& name) {
  const char* value = openslide_get_property_value(slide, name.c_str());
  CYTO8_RETURN_IF_ERROR(ErrorOf(slide));
  if (value == nullptr) return std::optional<std::string>();
  return std::optional<std::string>(value);
}

StatusOr<std::optional<double>> Number(openslide_t* slide,
                                       const std::string& name) {
  CYTO8_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                         Property(slide, name));
  if (!text) return std::optional<double>();
  const StatusOr<double> number = ParseDouble(*text);
  return number.ok() ? std::optional(*number) : std::nullopt;
}

// What is known of a level beside its grid.
struct Placement {
  double downsample = 1;  // as OpenSlide divides by it.
};

// A rectangle of level 0.
struct Bounds {
  int64_t x_min = 0;
  int64_t y_min = 0;
  int64_t x_max = 0;
  int64_t y_max = 0;
};

struct Facts {
  SlideInfo info = {.reader = "openslide"};
  std::vector<Placement> placements = {};
  std::optional<Bounds> bounds = std::nullopt;
  Rgb background = {.red = 255, .green = 255, .blue = 255};
};

StatusOr<int64_t> BlockSide(openslide_t* slide, size_t level,
                            std::string_view side) {
  CYTO8_ASSIGN_OR_RETURN(
      const std::optional<double> hint,
      Number(slide, "openslide.level[" + std::to_string(level) + "].tile-" +
                        std::string(side)));
  const bool fits = hint && *hint >= kMinBlockPx && *hint <= kMaxBlockPx &&
                    *hint == std::floor(*hint);
  return fits ? static_cast<int64_t>(*hint) : kUsualBlockPx;
}

Status ReadLevel(openslide_t* slide, size_t index, const Limits& limits,
                 Facts& facts) {
  SlideLevel level;
  const auto number = static_cast<int32_t>(index);
  openslide_get_level_dimensions(slide, number, &level.width_px,
                                 &level.height_px);
  CYTO8_RETURN_IF_ERROR(ErrorOf(slide));
  const double downsample = openslide_get_level_downsample(slide, number);
  CYTO8_RETURN_IF_ERROR(ErrorOf(slide));
  CYTO8_RETURN_IF_ERROR(CheckRowsSize(level.width_px, level.height_px, limits));
  if (!(downsample >= 1)) return DataLoss("OpenSlide: a level without a scale");
  CYTO8_ASSIGN_OR_RETURN(level.block_width_px,
                         BlockSide(slide, index, "width"));
  CYTO8_ASSIGN_OR_RETURN(level.block_height_px,
                         BlockSide(slide, index, "height"));
  facts.info.levels.push_back(level);
  facts.placements.push_back({.downsample = downsample});
  return OkStatus();
}

// OpenSlide 3.4 asks libtiff for whole tiles of what is no JPEG. Since the fix
// of CVE-2025-9900 libtiff puts an image that is lower than what was asked for
// at the bottom of it, and one that is narrower into shorter rows.
bool IsMisplaced(const SlideInfo& info) {
  const SlideLevel& level = info.levels.back();
  return info.format == "generic-tiff" &&
         (level.width_px < level.block_width_px ||
          level.height_px < level.block_height_px);
}

Status ReadLevels(openslide_t* slide, const Limits& limits, Facts& facts) {
  const int32_t count = openslide_get_level_count(slide);
  CYTO8_RETURN_IF_ERROR(ErrorOf(slide));
  CYTO8_RETURN_IF_ERROR(CheckRange("levels", count, 1, kMaxLevels));
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    CYTO8_RETURN_IF_ERROR(Annotate(ReadLevel(slide, i, limits, facts),
                                   "level " + std::to_string(i)));
    if (!IsMisplaced(facts.info)) continue;
    facts.info.levels.pop_back();
    facts.placements.pop_back();
    break;  // all others are smaller still.
  }
  if (!facts.info.levels.empty()) return OkStatus();
  return Unimplemented(
      "level 0: a plain TIFF smaller than one of its tiles is not read by "
      "OpenSlide");
}

// Puts the um/px of two axes into the facts.
void TakeScale(const std::optional<double>& x, const std::optional<double>& y,
               const std::string& source, SlideInfo& info) {
  if (!x || !y || info.um_per_px) return;
  if (!(*x >= kMinUmPerPx && *x <= kMaxUmPerPx)) return;
  if (std::abs(*x - *y) > 0.01 * *x) {
    info.mpp_source = source + " differs from that of y";
    return;
  }
  info.um_per_px = *x;
  info.mpp_source = source;
}

std::optional<double> UmPerPx(const std::optional<double>& per_unit,
                              double um_per_unit) {
  constexpr double kSteps = 1e6;  // as in tiff_layout.cc.
  if (!per_unit || !(*per_unit > 0)) return std::nullopt;
  return std::round(um_per_unit / *per_unit * kSteps) / kSteps;
}

// OpenSlide 3.4 gives plain TIFFs no um/px, but their resolution.
Status ReadScale(openslide_t* slide, SlideInfo& info) {
  CYTO8_ASSIGN_OR_RETURN(const auto x,
                         Number(slide, OPENSLIDE_PROPERTY_NAME_MPP_X));
  CYTO8_ASSIGN_OR_RETURN(const auto y,
                         Number(slide, OPENSLIDE_PROPERTY_NAME_MPP_Y));
  TakeScale(x, y, OPENSLIDE_PROPERTY_NAME_MPP_X, info);
  CYTO8_ASSIGN_OR_RETURN(const auto x_resolution,
                         Number(slide, "tiff.XResolution"));
  CYTO8_ASSIGN_OR_RETURN(const auto y_resolution,
                         Number(slide, "tiff.YResolution"));
  CYTO8_ASSIGN_OR_RETURN(const auto unit,
                         Property(slide, "tiff.ResolutionUnit"));
  if (!unit || (*unit != "centimeter" && *unit != "inch")) return OkStatus();
  const double um = *unit == "inch" ? 25'400 : 10'000;
  TakeScale(UmPerPx(x_resolution, um), UmPerPx(y_resolution, um),
            "tiff.XResolution", info);
  return OkStatus();
}

Status ReadBackground(openslide_t* slide, Facts& facts) {
  CYTO8_ASSIGN_OR_RETURN(
      const auto text,
      Property(slide, OPENSLIDE_PROPERTY_NAME_BACKGROUND_COLOR));
  uint32_t colour = 0;
  if (!text || text->size() != 6) return OkStatus();
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, colour, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end) return OkStatus();
  facts.background = {.red = static_cast<uint8_t>(colour >> 16),
                      .green = static_cast<uint8_t>(colour >> 8 & 255),
                      .blue = static_cast<uint8_t>(colour & 255)};
  return OkStatus();
}

Status ReadBounds(openslide_t* slide, Facts& facts) {
  std::array<int64_t, 4> values = {};
  constexpr std::array<const char*, 4> kNames = {
      OPENSLIDE_PROPERTY_NAME_BOUNDS_X, OPENSLIDE_PROPERTY_NAME_BOUNDS_Y,
      OPENSLIDE_PROPERTY_NAME_BOUNDS_WIDTH,
      OPENSLIDE_PROPERTY_NAME_BOUNDS_HEIGHT};
  for (size_t i = 0; i < kNames.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(const auto number, Number(slide, kNames[i]));
    if (!number || !(std::abs(*number) < 1e9)) return OkStatus();
    values[i] = std::llround(*number);
  }
  const auto [x, y, width, height] = values;
  if (width <= 0 || height <= 0) return OkStatus();
  facts.bounds = {
      .x_min = x, .y_min = y, .x_max = x + width, .y_max = y + height};
  return OkStatus();
}

// Names of a short list: others could say more than a name should.
Status ReadAssociated(openslide_t* slide, SlideInfo& info) {
  constexpr std::string_view kNames[] = {"label", "macro", "thumbnail",
                                         "overview"};
  const char* const* names = openslide_get_associated_image_names(slide);
  CYTO8_RETURN_IF_ERROR(ErrorOf(slide));
  for (; *names != nullptr; ++names) {
    const bool known =
        std::ranges::find(kNames, std::string_view(*names)) != std::end(kNames);
    info.associated.emplace_back(known ? *names : "another image");
  }
  return OkStatus();
}

StatusOr<Facts> ReadFacts(openslide_t* slide, const Limits& limits) {
  Facts facts;
  CYTO8_ASSIGN_OR_RETURN(const auto vendor,
                         Property(slide, OPENSLIDE_PROPERTY_NAME_VENDOR));
  facts.info.format = vendor.value_or("unknown");
  CYTO8_RETURN_IF_ERROR(ReadLevels(slide, limits, facts));
  CYTO8_RETURN_IF_ERROR(ReadScale(slide, facts.info));
  CYTO8_ASSIGN_OR_RETURN(
      const auto magnification,
      Number(slide, OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER));
  if (magnification && *magnification > 0 &&
      *magnification <= kMaxMagnification) {
    facts.info.magnification = magnification;
  }
  CYTO8_RETURN_IF_ERROR(ReadBackground(slide, facts));
  CYTO8_RETURN_IF_ERROR(ReadBounds(slide, facts));
  CYTO8_RETURN_IF_ERROR(ReadAssociated(slide, facts.info));
  return facts;
}

// Handles of one slide: as many as there are readers at a time, up to a bound.
// Thread-safe.
class HandlePool {
 public:
  HandlePool(std::string path, const OpenSlideOptions& options, Handle first)
      : path_(std::move(path)), options_(options) {
    idle_.reserve(static_cast<size_t>(options.max_handles));
    idle_.push_back(std::move(first));
  }

  const std::string& path() const { return path_; }

  // A place among the readers, for which it waits while all are taken, and an
  // idle handle if there is one. After an error no place was taken.
  StatusOr<Handle> Enter() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] {
      return !failure_.ok() || !idle_.empty() || in_use_ < options_.max_handles;
    });
    CYTO8_RETURN_IF_ERROR(failure_);
    ++in_use_;
    if (idle_.empty()) return Handle();
    Handle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }

  // Gives the place back, with its handle unless that is dead.
  void Leave(Handle handle) {
    const std::lock_guard lock(mutex_);
    --in_use_;
    if (handle != nullptr) idle_.push_back(std::move(handle));
    returned_.notify_all();
  }

  // Of a handle that died of this error; the next reader opens another.
  void Note(const Status& error) {
    const std::lock_guard lock(mutex_);
    if (++buried_ <= options_.max_reopens || !failure_.ok()) return;
    failure_ = Annotate(error, "given up after " + std::to_string(buried_) +
                                   " errors, the last one");
  }

 private:
  std::string path_;
  OpenSlideOptions options_;
  std::mutex mutex_;  // guards everything below.
  std::condition_variable returned_;
  std::vector<Handle> idle_;  // has room for all, so that none is lost.
  int64_t in_use_ = 0;
  int64_t buried_ = 0;
  Status failure_;
};

// A place in the pool for one block. Whatever ends the reading without Keep,
// be it std::bad_alloc, closes the handle and frees the place.
class HandleLease {
 public:
  explicit HandleLease(HandlePool& pool) : pool_(&pool) {}
  HandleLease(const HandleLease&) = delete;
  HandleLease& operator=(const HandleLease&) = delete;
  ~HandleLease() {
    if (!keep_) handle_.reset();
    if (entered_) pool_->Leave(std::move(handle_));
  }

  Status Take() {
    CYTO8_ASSIGN_OR_RETURN(handle_, pool_->Enter());
    entered_ = true;
    if (handle_ != nullptr) return OkStatus();
    StatusOr<Handle> opened = OpenHandle(pool_->path());
    if (!opened.ok()) return Died(opened.status());
    handle_ = *std::move(opened);
    return OkStatus();
  }
  openslide_t* handle() const { return handle_.get(); }
  void Keep() { keep_ = true; }
  Status Died(const Status& error) {
    pool_->Note(error);
    return error;
  }

 private:
  HandlePool* pool_;
  Handle handle_;
  bool entered_ = false;
  bool keep_ = false;
};

// Premultiplied, so that only the share of the background is missing.
uint8_t OnBackground(uint32_t value, uint32_t alpha, uint32_t background) {
  const uint32_t sum = value + (background * (255 - alpha) + 127) / 255;
  return static_cast<uint8_t>(std::min<uint32_t>(sum, 255));
}

void ConvertRow(const uint32_t* src, int64_t width_px, const Rgb& background,
                uint8_t* dst) {
  for (int64_t x = 0; x < width_px; ++x, dst += kRgbChannels) {
    const uint32_t pixel = src[x];
    const uint32_t alpha = pixel >> 24;
    dst[0] = OnBackground(pixel >> 16 & 255, alpha, background.red);
    dst[1] = OnBackground(pixel >> 8 & 255, alpha, background.green);
    dst[2] = OnBackground(pixel & 255, alpha, background.blue);
  }
}

class OpenSlideReader final : public SlideReader {
 public:
  OpenSlideReader(std::string path, Facts facts, Handle first,
                  const OpenSlideOptions& options)
      : path_(path),
        facts_(std::move(facts)),
        handles_(std::move(path), options, std::move(first)) {}

  const SlideInfo& info() const override { return facts_.info; }
  bool HasBlock(const BlockId& block) const override;
  StatusOr<Image> ReadBlock(const BlockId& block) override;
  int64_t largest_reduction() const override { return 1; }
  int64_t memory_bytes() const override;

 private:
  StatusOr<Image> ReadPixels(const BlockId& block);
  Status ReadRegion(openslide_t* slide, const BlockId& block,
                    std::vector<uint32_t>& pixels) const;

  std::string path_;
  Facts facts_;
  HandlePool handles_;
};

bool OpenSlideReader::HasBlock(const BlockId& block) const {
  if (!facts_.bounds) return true;
  const auto index = static_cast<size_t>(block.level);
  const SlideLevel& level = facts_.info.levels[index];
  const double scale = facts_.placements[index].downsample;
  const auto meets = [&](int64_t at, int64_t side, int64_t min, int64_t max) {
    // A pixel more, as ratios are rounded.
    return static_cast<double>(at * side - 1) * scale <
               static_cast<double>(max) &&
           static_cast<double>((at + 1) * side + 1) * scale >
               static_cast<double>(min);
  };
  return meets(block.column, level.block_width_px, facts_.bounds->x_min,
               facts_.bounds->x_max) &&
         meets(block.row, level.block_height_px, facts_.bounds->y_min,
               facts_.bounds->y_max);
}

StatusOr<Image> OpenSlideReader::ReadBlock(const BlockId& block) {
  CYTO8_RETURN_IF_ERROR(CheckBlock(info(), block, largest_reduction()));
  const auto& level = facts_.info.levels[static_cast<size_t>(block.level)];
  if (!HasBlock(block)) return WhiteBlock(level, block);
  StatusOr<Image> image = ReadPixels(block);
  if (image.ok()) return image;
  return Annotate(Annotate(image.status(), NameOfBlock(block)), path_);
}

StatusOr<Image> OpenSlideReader::ReadPixels(const BlockId& block) {
  const auto& level = facts_.info.levels[static_cast<size_t>(block.level)];
  const auto [width, height] = BlockSize(level, block);
  CYTO8_ASSIGN_OR_RETURN(Image image, Image::Create(width, height));
  std::vector<uint32_t> pixels(static_cast<size_t>(width * height));
  HandleLease lease(handles_);
  CYTO8_RETURN_IF_ERROR(lease.Take());
  const Status status = ReadRegion(lease.handle(), block, pixels);
  if (!status.ok()) return lease.Died(status);
  lease.Keep();
  for (int64_t y = 0; y < height; ++y) {
    ConvertRow(pixels.data() + y * width, width, facts_.background,
               image.MutableRow(y));
  }
  return image;
}

// See the header for what a corner in level 0 means.
Status OpenSlideReader::ReadRegion(openslide_t* slide, const BlockId& block,
                                   std::vector<uint32_t>& pixels) const {
  const auto index = static_cast<size_t>(block.level);
  const SlideLevel& level = facts_.info.levels[index];
  const auto [width, height] = BlockSize(level, block);
  const auto corner = [&](int64_t at_px) {
    return std::llround(static_cast<double>(at_px) *
                        facts_.placements[index].downsample);
  };
  openslide_read_region(slide, pixels.data(),
                        corner(block.column * level.block_width_px),
                        corner(block.row * level.block_height_px),
                        static_cast<int32_t>(block.level), width, height);
  return ErrorOf(slide);
}

// The cache of a handle, a block as ARGB twice (OpenSlide paints on a surface
// of its own) and as RGB.
int64_t OpenSlideReader::memory_bytes() const {
  int64_t pixels = 0;
  for (const SlideLevel& level : facts_.info.levels) {
    pixels = std::max(pixels, level.block_width_px * level.block_height_px);
  }
  return kCacheBytes + pixels * (2 * int64_t{sizeof(uint32_t)} + kRgbChannels);
}

StatusOr<std::unique_ptr<SlideReader>> OpenUnnamed(
    const std::string& path, const Limits& limits,
    const OpenSlideOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("max_handles", options.max_handles, 1, 1024));
  CYTO8_ASSIGN_OR_RETURN(Handle handle, OpenHandle(path));
  CYTO8_ASSIGN_OR_RETURN(Facts facts, ReadFacts(handle.get(), limits));
  return std::unique_ptr<SlideReader>(std::make_unique<OpenSlideReader>(
      path, std::move(facts), std::move(handle), options));
}

StatusOr<bool> HasAssociated(openslide_t* slide, std::string_view wanted) {
  const char* const* names = openslide_get_associated_image_names(slide);
  CYTO8_RETURN_IF_ERROR(ErrorOf(slide));
  for (; *names != nullptr; ++names) {
    if (*names == wanted) return true;
  }
  return false;
}

StatusOr<Image> ReadAssociatedPixels(openslide_t* slide,
                                     const std::string& name,
                                     const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const bool is_there, HasAssociated(slide, name));
  if (!is_there) return NotFound("OpenSlide gives no such image");
  int64_t width = 0;
  int64_t height = 0;
  openslide_get_associated_image_dimensions(slide, name.c_str(), &width,
                                            &height);
  CYTO8_RETURN_IF_ERROR(ErrorOf(slide));
  CYTO8_ASSIGN_OR_RETURN(Image image, Image::Create(width, height, limits));
  std::vector<uint32_t> pixels(static_cast<size_t>(width * height));
  openslide_read_associated_image(slide, name.c_str(), pixels.data());
  CYTO8_RETURN_IF_ERROR(ErrorOf(slide));
  for (int64_t y = 0; y < height; ++y) {
    ConvertRow(pixels.data() + y * width, width,
               {.red = 255, .green = 255, .blue = 255}, image.MutableRow(y));
  }
  return image;
}

}  // namespace

std::string OpenSlideVendor(const std::string& path) {
  const char* vendor = openslide_detect_vendor(path.c_str());
  return vendor == nullptr ? "" : vendor;
}

StatusOr<std::unique_ptr<SlideReader>> OpenByOpenSlide(
    const std::string& path, const Limits& limits,
    const OpenSlideOptions& options) {
  return Annotate(OpenUnnamed(path, limits, options), path);
}

StatusOr<Image> ReadOpenSlideAssociated(const std::string& path,
                                        std::string_view name,
                                        const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const Handle handle, Annotate(OpenHandle(path), path));
  const std::string image(name);
  return Annotate(ReadAssociatedPixels(handle.get(), image, limits),
                  path + ": " + image);
}

}  // namespace cyto8
