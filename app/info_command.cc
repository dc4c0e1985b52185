// SPDX-License-Identifier: Apache-2.0
// Facts of images; see info_command.h.
#include "app/info_command.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/console.h"
#include "base/numbers.h"
#include "base/sha256.h"
#include "tiling/row_source.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;

struct ImageFacts {
  ImageInfo info = {};
  std::string sha256 = {};
};

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

StatusOr<ImageFacts> Examine(FileSystem& files, const std::string& path,
                             const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenRows(files, path, limits));
  CYTO8_RETURN_IF_ERROR(Decode(*rows));
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256OfFile(files, path));
  return ImageFacts{.info = rows->info(), .sha256 = ToHex(digest)};
}

std::string MppText(const ImageInfo& info) {
  if (!info.um_per_px) return "unknown (give --mpp or --mpp-from to score)";
  return fmt::format("{} ({})", FormatShortest(*info.um_per_px),
                     info.mpp_source);
}

std::string PagesText(const ImageInfo& info) {
  if (info.pages == 1) return "1";
  return fmt::format("{} (the first is read)", info.pages);
}

std::string Text(const std::string& path, const ImageFacts& facts) {
  const ImageInfo& info = facts.info;
  return fmt::format(
      "{}\n  format: {}\n  compression: {}\n  size: {} x {} px\n  pages: "
      "{}\n  um/px: {}\n  sha256: {}\n",
      path, ImageFormatName(info.format), info.compression, info.width_px,
      info.height_px, PagesText(info), MppText(info), facts.sha256);
}

Json ToJson(const std::string& path, const ImageFacts& facts) {
  const ImageInfo& info = facts.info;
  Json json = {{"path", path},
               {"format", ImageFormatName(info.format)},
               {"compression", info.compression},
               {"width_px", info.width_px},
               {"height_px", info.height_px}};
  json["pages"] = info.pages;
  json["mpp"] = info.um_per_px ? Json(*info.um_per_px) : Json(nullptr);
  json["mpp_source"] = info.um_per_px ? Json(info.mpp_source) : Json(nullptr);
  json["levels"] = Json::array({{{"width_px", info.width_px},
                                 {"height_px", info.height_px},
                                 {"downsample", 1}}});
  json["sha256"] = facts.sha256;
  return json;
}

}  // namespace

ExitCode RunInfo(FileSystem& files, const InfoOptions& options) {
  Json list = Json::array();
  std::string text;
  size_t failed = 0;
  for (const std::string& path : options.images) {
    const StatusOr<ImageFacts> facts = Examine(files, path, options.limits);
    if (!facts.ok()) {
      PrintMessage(facts.status().message());
      ++failed;
      continue;
    }
    list.push_back(ToJson(path, *facts));
    text += Text(path, *facts);
  }
  const Status printed = PrintData(
      options.json
          ? list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
          : text);
  if (!printed.ok()) {
    PrintMessage(printed.message());
    return ExitCodeOf(printed);
  }
  if (failed == 0) return ExitCode::kWhole;
  return failed == options.images.size() ? ExitCode::kNoInput
                                         : ExitCode::kPartial;
}

}  // namespace cyto8
