// SPDX-License-Identifier: Apache-2.0
// Facts of images and slides; see info_command.h.
#include "app/info_command.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "app/console.h"
#include "app/png_encoder.h"
#include "app/slide_hash.h"
#include "app/slide_id.h"
#include "base/atomic_file.h"
#include "base/numbers.h"
#include "base/sha256.h"
#include "tiling/associated_image.h"
#include "tiling/image_opener.h"
#include "tiling/level_choice.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;

// To the last row, so that damage shows; a few rows are held at a time.
Status Decode(RowSource& rows) {
  constexpr int64_t kRows = 64;
  const int64_t stride = rows.info().width_px * kRgbChannels;
  std::vector<uint8_t> unwanted(static_cast<size_t>(kRows * stride));
  for (int64_t left = rows.info().height_px; left > 0; left -= kRows) {
    CYTO8_RETURN_IF_ERROR(
        rows.ReadRows(std::min(left, kRows), unwanted.data(), stride));
  }
  return OkStatus();
}

// The reader of an image that is read from top to bottom, in the JSON.
constexpr std::string_view kPlainReader = "rows";

// In the words of the JSON; keys in their order.
void AddScale(const std::optional<double>& um_per_px, const std::string& source,
              Json& json) {
  json["mpp"] = um_per_px ? Json(*um_per_px) : Json(nullptr);
  json["mpp_source"] = um_per_px ? Json(source) : Json(nullptr);
}

// Both kinds of facts have the same keys in the same order (docs/formats.md,
// section 6), null where there is no such thing.
Json FactsOf(const ImageInfo& info) {
  Json json = {{"format", ImageFormatName(info.format)},
               {"reader", kPlainReader},
               {"compression", info.compression},
               {"width_px", info.width_px},
               {"height_px", info.height_px},
               {"pages", info.pages}};
  AddScale(info.um_per_px, info.mpp_source, json);
  json["magnification"] = nullptr;
  json["focal_planes"] = 1;
  json["surplus_tiles"] = 0;
  json["associated"] = Json::array();
  json["levels"] = Json::array({{{"width_px", info.width_px},
                                 {"height_px", info.height_px},
                                 {"downsample", 1},
                                 {"mpp", json["mpp"]},
                                 {"tile_width_px", nullptr},
                                 {"tile_height_px", nullptr}}});
  return json;
}

Json LevelsOf(const SlideInfo& slide) {
  Json levels = Json::array();
  for (size_t i = 0; i < slide.levels.size(); ++i) {
    const SlideLevel& level = slide.levels[i];
    const LevelScale scale = ScaleOfLevel(slide, static_cast<int64_t>(i));
    const double downsample = (scale.x + scale.y) / 2;
    levels.push_back(
        {{"width_px", level.width_px},
         {"height_px", level.height_px},
         {"downsample", downsample},
         {"mpp", slide.um_per_px ? Json(*slide.um_per_px * downsample)
                                 : Json(nullptr)},
         {"tile_width_px", level.block_width_px},
         {"tile_height_px", level.block_height_px}});
  }
  return levels;
}

Json FactsOf(const SlideInfo& slide) {
  const SlideLevel& full = slide.levels.front();
  Json json = {{"format", slide.format},      {"reader", slide.reader},
               {"compression", nullptr},      {"width_px", full.width_px},
               {"height_px", full.height_px}, {"pages", nullptr}};
  AddScale(slide.um_per_px, slide.mpp_source, json);
  json["magnification"] =
      slide.magnification ? Json(*slide.magnification) : Json(nullptr);
  json["focal_planes"] = slide.focal_planes;
  json["surplus_tiles"] = slide.surplus_blocks;
  json["associated"] = slide.associated;
  json["levels"] = LevelsOf(slide);
  return json;
}

// Where the images beside a slide were written, by name. What nobody decodes is
// left out.
StatusOr<Json> WriteAssociated(FileSystem& files, const std::string& path,
                               const SlideInfo& slide,
                               const std::string& target,
                               const Limits& limits) {
  Json written = Json::object();
  for (const std::string& name : AssociatedNames(slide)) {
    const StatusOr<Image> image =
        ReadAssociatedImage(files, path, slide, name, limits);
    const StatusCode code = image.status().code();
    if (code == StatusCode::kNotFound || code == StatusCode::kUnimplemented) {
      continue;
    }
    CYTO8_RETURN_IF_ERROR(image.status());
    CYTO8_ASSIGN_OR_RETURN(const std::string png, EncodePng(image->view()));
    const std::string file = target + "-" + name + ".png";
    CYTO8_RETURN_IF_ERROR(WriteFileAtomically(files, file, png));
    written[name] = file;
  }
  return written;
}

// `target`: what the names of its associated images begin with; empty: they are
// not read.
StatusOr<Json> Examine(FileSystem& files, const std::string& path,
                       const std::string& target, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const OpenedImage image,
                         OpenImage(files, path, limits));
  Json json = {{"path", path}};
  if (image.rows) {
    CYTO8_RETURN_IF_ERROR(Decode(*image.rows));
    json.update(FactsOf(image.rows->info()));
  } else {
    json.update(FactsOf(image.slide->info()));
  }
  if (image.slide && !target.empty()) {
    CYTO8_ASSIGN_OR_RETURN(
        json["associated_files"],
        WriteAssociated(files, path, image.slide->info(), target, limits));
  }
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, HashOfSlide(files, path));
  json["sha256"] = ToHex(digest);
  return json;
}

std::string MppText(const Json& facts) {
  if (facts["mpp"].is_null()) {
    return "unknown (give --mpp or --mpp-from to score)";
  }
  return fmt::format("{} ({})", FormatShortest(facts["mpp"].get<double>()),
                     facts["mpp_source"].get<std::string>());
}

std::string PagesText(int64_t pages) {
  return pages == 1 ? "1" : fmt::format("{} (the first is read)", pages);
}

std::string LevelText(const Json& level) {
  return fmt::format("  level: {} x {} px, 1/{}, tiles of {} x {} px\n",
                     level["width_px"].get<int64_t>(),
                     level["height_px"].get<int64_t>(),
                     FormatShortest(level["downsample"].get<double>()),
                     level["tile_width_px"].get<int64_t>(),
                     level["tile_height_px"].get<int64_t>());
}

std::string SlideText(const Json& facts) {
  std::string text = fmt::format(
      "  reader: {}\n  focal planes: {}\n", facts["reader"].get<std::string>(),
      facts["focal_planes"].get<int64_t>() == 1
          ? "1"
          : fmt::format("{} (the first is read)",
                        facts["focal_planes"].get<int64_t>()));
  for (const Json& level : facts["levels"]) text += LevelText(level);
  const Json files = facts.value("associated_files", Json::object());
  for (const Json& name : facts["associated"]) {
    const auto image = name.get<std::string>();
    text += files.contains(image)
                ? "  beside it: " + Printable(files[image].get<std::string>()) +
                      "\n"
                : "  beside it, not read: " + image + "\n";
  }
  return text;
}

std::string Text(const Json& facts) {
  std::string text = Printable(facts["path"].get<std::string>()) +
                     "\n  format: " + facts["format"].get<std::string>() + "\n";
  const bool is_slide = facts["reader"] != kPlainReader;
  if (!is_slide) {
    text += "  compression: " + facts["compression"].get<std::string>() + "\n";
  }
  text += fmt::format("  size: {} x {} px\n", facts["width_px"].get<int64_t>(),
                      facts["height_px"].get<int64_t>());
  if (!is_slide) {
    text += "  pages: " + PagesText(facts["pages"].get<int64_t>()) + "\n";
  }
  text += "  um/px: " + MppText(facts) + "\n";
  if (is_slide) text += SlideText(facts);
  return text + "  sha256: " + facts["sha256"].get<std::string>() + "\n";
}

// For each image what the files of its associated images begin with; empty if
// they were not asked for.
StatusOr<std::vector<std::string>> Targets(FileSystem& files,
                                           const InfoOptions& options) {
  const std::string& folder = options.include_associated;
  std::vector<std::string> targets(options.images.size());
  if (folder.empty()) return targets;
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files, folder));
  const std::vector<std::string> relative =
      RelativeToCommonFolder(options.images);
  for (size_t i = 0; i < targets.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(const std::string id, SlideId(relative[i]));
    targets[i] = folder + "/" + id;
  }
  return targets;
}

// How images failed.
struct Failures {
  size_t temporary = 0;  // they may be read later.
  size_t lasting = 0;

  void Add(const Status& status) {
    const bool later = ExitCodeOf(status) == ExitCode::kTemporary;
    ++(later ? temporary : lasting);
  }
};

ExitCode CodeOf(const Failures& failures, size_t images) {
  if (failures.temporary + failures.lasting == 0) return ExitCode::kWhole;
  const bool none_read = failures.temporary + failures.lasting == images;
  if (none_read && failures.lasting > 0) return ExitCode::kNoInput;
  return failures.temporary > 0 ? ExitCode::kTemporary : ExitCode::kPartial;
}

}  // namespace

ExitCode RunInfo(FileSystem& files, const InfoOptions& options) {
  const StatusOr<std::vector<std::string>> targets = Targets(files, options);
  if (!targets.ok()) {
    PrintMessage(targets.status().message());
    return ExitCodeOf(targets.status());
  }
  Json list = Json::array();
  std::string text;
  Failures failures;
  for (size_t i = 0; i < options.images.size(); ++i) {
    StatusOr<Json> facts =
        Examine(files, options.images[i], (*targets)[i], options.limits);
    if (!facts.ok()) {
      PrintMessage(facts.status().message());
      failures.Add(facts.status());
      continue;
    }
    text += Text(*facts);
    list.push_back(std::move(*facts));
  }
  const Status printed = PrintData(
      options.json
          ? list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
          : text);
  if (!printed.ok()) {
    PrintMessage(printed.message());
    return ExitCodeOf(printed);
  }
  return CodeOf(failures, options.images.size());
}

}  // namespace cyto8
