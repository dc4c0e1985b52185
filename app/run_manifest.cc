// SPDX-License-Identifier: Apache-2.0
// run.json; see run_manifest.h.
#include "app/run_manifest.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/version.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;

double Milliseconds(double seconds) {
  return std::round(seconds * 1000) / 1000;
}

// A float as the shortest decimal that a reader would type.
double Decimal(float value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double decimal = 0;
  std::from_chars(text.data(), end, decimal);
  return decimal;
}

Json SecondsJson(const StageSeconds& seconds) {
  return {{"read", Milliseconds(seconds.read)},
          {"decode", Milliseconds(seconds.decode)},
          {"resample", Milliseconds(seconds.resample)},
          {"infer", Milliseconds(seconds.infer)},
          {"boxes", Milliseconds(seconds.boxes)},
          {"merge", Milliseconds(seconds.merge)},
          {"write", Milliseconds(seconds.write)}};
}

Json CountsJson(const SlideResult& slide, const ModelCard& card) {
  Json counts = Json::object();
  for (const CardClass& entry : card.classes) {
    counts[entry.name] = CellsOfClass(slide, entry.id);
  }
  return counts;
}

Json SlideJson(const SlideResult& slide, const ModelCard& card) {
  Json json = {{"id", slide.identity.id},
               {"image_id", slide.identity.image_id},
               {"path", slide.identity.path}};
  if (!slide.status.ok()) {
    json["status"] = "failed";
    json["error"] = slide.status.message();
    return json;
  }
  json["sha256"] = slide.sha256;
  json["width_px"] = slide.width_px;
  json["height_px"] = slide.height_px;
  json["mpp"] = slide.mpp.value;
  json["mpp_source"] = slide.mpp.source;
  json["tiles"] = slide.tiles;
  json["detections"] = CountsJson(slide, card);
  json["status"] = "done";
  json["seconds"] = SecondsJson(slide.seconds);
  return json;
}

Json ModelJson(const LoadedModel& model) {
  return {{"name", model.card.name},          {"file", model.model_path},
          {"sha256", model.card.sha256},      {"card", model.card_path},
          {"card_sha256", model.card_sha256}, {"licence", model.card.licence}};
}

Json SettingsJson(const RunFacts& facts, const LoadedModel& model) {
  const PostprocessOptions& post = model.card.postprocess;
  return {{"mpp", model.card.mpp},
          {"tile_width_px", model.detector->tile_width_px()},
          {"tile_height_px", model.detector->tile_height_px()},
          {"overlap_px", facts.overlap_px},
          {"score_threshold", Decimal(post.score_threshold)},
          {"iou_threshold", Decimal(post.iou_threshold)},
          {"class_agnostic", post.scope == SuppressionScope::kGlobal},
          {"postprocess", DescribePostprocess(post)},
          {"replaced_postprocess", model.replaced_postprocess}};
}

std::string RunStatus(std::span<const SlideResult> slides) {
  const auto failed = std::count_if(
      slides.begin(), slides.end(),
      [](const SlideResult& slide) { return !slide.status.ok(); });
  if (failed == 0) return "done";
  return static_cast<size_t>(failed) == slides.size() ? "failed" : "partial";
}

}  // namespace

std::string RunManifestText(const RunFacts& facts, const LoadedModel& model,
                            std::span<const SlideResult> slides) {
  Json json = {
      {"format", "cyto8-run"},
      {"version", 1},
      {"notice", kResearchNotice},
      {"program", {{"name", "cyto8"}, {"version", kVersion}}},
      {"command", facts.command},
      {"model", ModelJson(model)},
      {"settings", SettingsJson(facts, model)},
      {"conventions",
       "boxes are half-open, x, y, width, height in level-0 pixels, origin top "
       "left, and may reach past the image; scores are probabilities"},
      {"threads", 1},
      {"engine", facts.engine},
      {"cpu", facts.cpu},
      {"host", facts.host},
      {"started", facts.started},
      {"finished", facts.finished},
      {"status", RunStatus(slides)},
      {"exit_code", static_cast<int>(facts.exit_code)}};
  json["images"] = Json::array();
  for (const SlideResult& slide : slides) {
    json["images"].push_back(SlideJson(slide, model.card));
  }
  return json.dump(/*indent=*/2, /*indent_char=*/' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace) +
         "\n";
}

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string CpuModel() {
  constexpr std::string_view kKey = "model name";
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with(kKey) && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

std::string UtcNow() {
  const std::time_t now =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const size_t size =
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

}  // namespace cyto8
