// SPDX-License-Identifier: Apache-2.0
// Fields; see field_list.h.
#include "app/field_list.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "app/mpp_source.h"
#include "eval/read_coco.h"
#include "tiling/image_reader.h"
#include "tiling/resample.h"
#include "tiling/scaled_rows.h"

namespace cyto8 {
namespace {

constexpr std::string_view kAttribution = "ATTRIBUTION.txt";

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Empty if there is none.
StatusOr<std::string> ReadAttribution(FileSystem& files,
                                      const FieldListOptions& options) {
  for (const std::string& folder : {options.folder, FolderOf(options.truth)}) {
    const auto bytes =
        ReadWholeFile(files, folder + "/" + std::string(kAttribution),
                      options.limits.max_config_bytes);
    if (bytes.ok()) {
      return std::string(reinterpret_cast<const char*>(bytes->data()),
                         bytes->size());
    }
    if (bytes.status().code() != StatusCode::kNotFound) return bytes.status();
  }
  return std::string();
}

Status CheckStatedSize(const EvalImage& stated, const ImageInfo& info) {
  if (stated.width_px == 0 || stated.height_px == 0) return OkStatus();
  if (stated.width_px == info.width_px && stated.height_px == info.height_px) {
    return OkStatus();
  }
  return InvalidArgument("size = " + std::to_string(info.width_px) + " x " +
                         std::to_string(info.height_px) +
                         " px: the truth file states " +
                         std::to_string(stated.width_px) + " x " +
                         std::to_string(stated.height_px));
}

// The field without cells, and the real ratio of its new to its old sides.
struct ScaledField {
  SourceField field;
  double x_ratio = 1;
  double y_ratio = 1;
};

StatusOr<ScaledField> ScaleField(FileSystem& files, const EvalImage& image,
                                 const SideFile& side_file,
                                 const FieldListOptions& options) {
  ScaledField scaled;
  SourceField& field = scaled.field;
  field.image_id = image.id;
  field.file_name = image.file_name;
  field.path = options.folder + "/" + image.file_name;
  CYTO8_ASSIGN_OR_RETURN(const ImageInfo info,
                         ReadImageInfo(files, field.path, options.limits));
  CYTO8_RETURN_IF_ERROR(Annotate(CheckStatedSize(image, info), field.path));
  CYTO8_ASSIGN_OR_RETURN(const SideEntry entry,
                         Annotate(side_file.Find(image.file_name), field.path));
  field.um_per_px = entry.mpp.value_or(info.um_per_px.value_or(0));
  if (field.um_per_px == 0) {
    return InvalidArgument(
        field.path + ": um/px is unknown: the truth file needs its um_per_px");
  }
  const auto side = [&](int64_t px) {
    return Annotate(
        ResampledSide(px, field.um_per_px, options.um_per_px, options.limits),
        field.path);
  };
  CYTO8_ASSIGN_OR_RETURN(field.width_px, side(info.width_px));
  CYTO8_ASSIGN_OR_RETURN(field.height_px, side(info.height_px));
  scaled.x_ratio =
      static_cast<double>(field.width_px) / static_cast<double>(info.width_px);
  scaled.y_ratio = static_cast<double>(field.height_px) /
                   static_cast<double>(info.height_px);
  return scaled;
}

FieldCell CellOf(const TruthBox& truth, const ScaledField& scaled) {
  const EvalBox& box = truth.box;
  return {.truth_id = truth.id,
          .class_id = truth.class_id,
          .box = {.x_min = box.x * scaled.x_ratio,
                  .y_min = box.y * scaled.y_ratio,
                  .x_max = (box.x + box.width) * scaled.x_ratio,
                  .y_max = (box.y + box.height) * scaled.y_ratio},
          .area = truth.area * scaled.x_ratio * scaled.y_ratio,
          .is_crowd = truth.is_crowd};
}

StatusOr<std::shared_ptr<const Image>> ReadScaled(FileSystem& files,
                                                  const SourceField& field) {
  const Limits limits;
  ScaledRowSeconds seconds;
  CYTO8_ASSIGN_OR_RETURN(auto source, OpenRows(files, field.path, limits));
  CYTO8_ASSIGN_OR_RETURN(const auto rows,
                         ScaledRows(std::move(source), field.width_px,
                                    field.height_px, seconds, limits));
  CYTO8_ASSIGN_OR_RETURN(Image image, ReadAllRows(*rows, limits));
  return std::make_shared<const Image>(std::move(image));
}

int64_t BytesOf(const Image& image) {
  return image.width_px() * image.height_px() * kRgbChannels;
}

struct ColourSum {
  std::array<int64_t, 3> sums = {};
  int64_t pixels = 0;
};

template <typename Visit>
void ForEachPixel(const ImageView& view, const Visit& visit) {
  for (int64_t y = 0; y < view.height_px; ++y) {
    const uint8_t* pixel = view.Row(y);
    for (int64_t x = 0; x < view.width_px; ++x, pixel += kRgbChannels) {
      visit(pixel, static_cast<size_t>(pixel[0] + pixel[1] + pixel[2]));
    }
  }
}

// Adds the pixels of the brightness that empty glass has.
void AddGlass(const ImageView& view, ColourSum& sum) {
  std::array<int64_t, 3 * 255 + 1> histogram = {};
  ForEachPixel(view, [&](const uint8_t*, size_t brightness) {
    ++histogram[brightness];
  });
  const int64_t all = view.width_px * view.height_px;
  const auto quantile = [&](int64_t percent) {
    size_t at = 0;
    for (int64_t below = histogram[0]; below * 100 < all * percent;) {
      below += histogram[++at];
    }
    return at;
  };
  const size_t low = quantile(80);
  const size_t high = quantile(95);
  ForEachPixel(view, [&](const uint8_t* pixel, size_t brightness) {
    if (brightness < low || brightness > high) return;
    for (size_t c = 0; c < sum.sums.size(); ++c) sum.sums[c] += pixel[c];
    ++sum.pixels;
  });
}

}  // namespace

StatusOr<FieldList> ReadFieldList(FileSystem& files,
                                  const FieldListOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(files, options.truth, options.limits.max_truth_bytes));
  CYTO8_ASSIGN_OR_RETURN(
      const TruthFile truth,
      Annotate(ParseCocoTruth(bytes, options.limits, TruthRules::kStrict),
               options.truth));
  CYTO8_ASSIGN_OR_RETURN(
      const SideFile side_file,
      Annotate(SideFile::Parse(bytes, options.limits), options.truth));
  if (truth.truth.images.empty()) {
    return InvalidArgument(options.truth + ": images: names no field");
  }
  FieldList list;
  list.classes = truth.truth.classes;
  CYTO8_ASSIGN_OR_RETURN(list.attribution, ReadAttribution(files, options));
  std::vector<ScaledField> scaled;
  std::unordered_map<int64_t, size_t> places;
  for (const EvalImage& image : truth.truth.images) {
    places[image.id] = scaled.size();
    CYTO8_ASSIGN_OR_RETURN(ScaledField field,
                           ScaleField(files, image, side_file, options));
    scaled.push_back(std::move(field));
  }
  for (const TruthBox& box : truth.truth.boxes) {
    ScaledField& field = scaled[places[box.image_id]];
    field.field.cells.push_back(CellOf(box, field));
  }
  for (ScaledField& field : scaled) {
    list.fields.push_back(std::move(field.field));
  }
  return list;
}

StatusOr<std::shared_ptr<const Image>> FieldPixels::Of(int64_t field) {
  const auto found = kept_.find(field);
  if (found != kept_.end()) {
    uses_.splice(uses_.begin(), uses_, found->second.use);
    return found->second.image;
  }
  CYTO8_ASSIGN_OR_RETURN(
      std::shared_ptr<const Image> image,
      ReadScaled(*files_, (*fields_)[static_cast<size_t>(field)]));
  bytes_ += BytesOf(*image);
  uses_.push_front(field);
  kept_[field] = {.image = image, .use = uses_.begin()};
  MakeRoom();
  return image;
}

void FieldPixels::MakeRoom() {
  while (bytes_ > kMaxBytes && uses_.size() > 1) {
    const auto oldest = kept_.find(uses_.back());
    bytes_ -= BytesOf(*oldest->second.image);
    kept_.erase(oldest);
    uses_.pop_back();
  }
}

StatusOr<Rgb> BackgroundOf(FieldPixels& pixels, int64_t fields) {
  constexpr int64_t kMostFields = 16;
  ColourSum sum;
  for (int64_t i = 0; i < std::min(fields, kMostFields); ++i) {
    CYTO8_ASSIGN_OR_RETURN(const std::shared_ptr<const Image> image,
                           pixels.Of(i));
    AddGlass(image->view(), sum);
  }
  const auto mean = [&](size_t c) {
    return static_cast<uint8_t>((sum.sums[c] + sum.pixels / 2) / sum.pixels);
  };
  return Rgb{.red = mean(0), .green = mean(1), .blue = mean(2)};
}

}  // namespace cyto8
