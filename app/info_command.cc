// SPDX-License-Identifier: Apache-2.0
// Facts of images; see info_command.h.
#include "app/info_command.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "app/console.h"
#include "base/numbers.h"
#include "base/sha256.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;

struct ImageFacts {
  ImageInfo info;
  std::string sha256;
};

StatusOr<ImageFacts> Examine(FileSystem& files, const std::string& path,
                             const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_image_bytes));
  ImageFacts facts;
  CYTO8_ASSIGN_OR_RETURN(facts.info,
                         Annotate(ParseImageHeader(bytes, limits), path));
  CYTO8_RETURN_IF_ERROR(Annotate(DecodeImage(bytes, limits), path).status());
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256(bytes));
  facts.sha256 = ToHex(digest);
  return facts;
}

std::string Text(const std::string& path, const ImageFacts& facts) {
  const ImageInfo& info = facts.info;
  return fmt::format(
      "{}\n  format: {}\n  size: {} x {} px\n  um/px: {}\n  sha256: {}\n", path,
      ImageFormatName(info.format), info.width_px, info.height_px,
      info.um_per_px ? FormatShortest(*info.um_per_px)
                     : "unknown (give --mpp or --mpp-from to score)",
      facts.sha256);
}

Json ToJson(const std::string& path, const ImageFacts& facts) {
  const ImageInfo& info = facts.info;
  Json json = {{"path", path},
               {"format", ImageFormatName(info.format)},
               {"width_px", info.width_px},
               {"height_px", info.height_px}};
  json["mpp"] = info.um_per_px ? Json(*info.um_per_px) : Json(nullptr);
  json["mpp_source"] = info.um_per_px ? Json("file") : Json(nullptr);
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
