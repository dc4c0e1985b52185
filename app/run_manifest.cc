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
#include <nlohmann/json.hpp>

#include "base/valid_utf8.h"
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

Json CountsJson(const SlideSummary& slide, const ModelCard& card) {
  Json counts = Json::object();
  for (size_t i = 0; i < card.classes.size(); ++i) {
    counts[card.classes[i].name] = slide.cells_of_class[i];
  }
  return counts;
}

// Keys in the order of docs/formats.md.
Json SlideJson(const SlideSummary& slide, const ModelCard& card) {
  Json json = {{"id", slide.identity.id},
               {"image_id", slide.identity.image_id},
               {"path", ValidUtf8(slide.identity.path)},
               {"status", SlideOutcomeName(OutcomeOf(slide))},
               {"attempts", slide.attempts}};
  if (HasResult(slide)) {
    json["sha256"] = slide.sha256;
    json["width_px"] = slide.width_px;
    json["height_px"] = slide.height_px;
    json["mpp"] = slide.mpp.is_known() ? Json(slide.mpp.value) : Json();
    json["mpp_source"] = slide.mpp.source;
    json["tiles"] = slide.counts.planned;
    json["tiles_skipped"] = slide.counts.background;
    json["tiles_scored"] = slide.counts.scored;
    json["tiles_failed"] = slide.counts.failed;
    json["coverage"] = slide.verdict.coverage;
    json["scan"] = ScanVerdictName(slide.verdict.verdict);
    json["detections"] = CountsJson(slide, card);
  } else {
    json["error"] = ValidUtf8(ErrorOf(slide));
  }
  if (!slide.notes.empty()) json["notes"] = ValidUtf8(slide.notes);
  json["seconds"] = SecondsJson(slide.seconds);
  return json;
}

Json ClassesJson(const ModelCard& card) {
  Json classes = Json::array();
  for (const CardClass& entry : card.classes) {
    classes.push_back({{"id", entry.id}, {"name", entry.name}});
  }
  return classes;
}

Json GroupsJson(const ModelCard& card) {
  Json groups = Json::object();
  for (const auto& [name, ids] : card.groups) {
    Json& members = groups[name] = Json::array();
    for (const int id : ids) {
      members.push_back(card.classes[static_cast<size_t>(id - 1)].name);
    }
  }
  return groups;
}

// What a quantized model was calibrated on, by the hashes of the files.
Json CalibrationJson(const LoadedModel& model) {
  const Json provenance = Json::parse(model.provenance, /*cb=*/nullptr,
                                      /*allow_exceptions=*/false);
  const Json::json_pointer hashes("/calibration/sha256");
  if (!provenance.is_object() || !provenance.contains(hashes)) {
    return Json::array();
  }
  return provenance[hashes];
}

Json ModelJson(const LoadedModel& model) {
  return {{"name", model.card.name},
          {"file", ValidUtf8(model.model_path)},
          {"sha256", model.model_sha256},
          {"card", ValidUtf8(model.card_path)},
          {"card_sha256", model.card_sha256},
          {"licence", model.card.licence},
          {"calibration_sha256", CalibrationJson(model)},
          {"classes", ClassesJson(model.card)},
          {"groups", GroupsJson(model.card)}};
}

// What was used, from the card and the model; the user's own names follow.
StatusOr<Json> SettingsJson(const RunFacts& facts, const LoadedModel& model) {
  const PostprocessOptions& post = model.card.postprocess;
  Json json = {{"mpp", model.card.mpp},
               {"tile_width_px", model.detector->tile_width_px()},
               {"tile_height_px", model.detector->tile_height_px()},
               {"score_threshold", Decimal(model.min_score)},
               {"iou_threshold", Decimal(post.iou_threshold)},
               {"class_agnostic", post.scope == SuppressionScope::kGlobal},
               {"postprocess", DescribePostprocess(post)},
               {"replaced_postprocess", model.replaced_postprocess}};
  for (const auto& [key, value] : facts.settings) {
    Json parsed = Json::parse(ValidUtf8(value), /*cb=*/nullptr,
                              /*allow_exceptions=*/false);
    if (parsed.is_discarded()) {
      return Internal("setting " + key + " = " + value + ": is not JSON");
    }
    json[key] = std::move(parsed);
  }
  return json;
}

Json CommandJson(const RunFacts& facts) {
  Json words = Json::array();
  for (const std::string& word : facts.command) {
    words.push_back(ValidUtf8(word));
  }
  return words;
}

StatusOr<Json> HeadJson(const RunFacts& facts, const LoadedModel& model,
                        std::string_view status) {
  CYTO8_ASSIGN_OR_RETURN(const Json settings, SettingsJson(facts, model));
  return Json{
      {"format", "cyto8-run"},
      {"version", 1},
      {"notice", kResearchNotice},
      {"program", {{"name", "cyto8"}, {"version", kVersion}}},
      {"command", CommandJson(facts)},
      {"model", ModelJson(model)},
      {"settings", settings},
      {"conventions",
       "boxes are half-open, x, y, width, height in level-0 pixels, origin top "
       "left, and may reach past the image; scores are probabilities"},
      {"threads", facts.threads},
      {"engine", facts.engine},
      {"isa", facts.isa},
      {"schedule", facts.schedule},
      {"memory_ceiling_bytes", facts.memory_ceiling_bytes},
      {"cpu", ValidUtf8(facts.cpu)},
      {"host", ValidUtf8(facts.host)},
      {"started", facts.started},
      {"finished", facts.finished},
      {"status", status},
      {"exit_code", static_cast<int>(facts.exit_code)}};
}

// What the model itself says is UTF-8 already; should it not be, a character
// is replaced rather than an exception thrown.
std::string Text(const Json& json, int indent) {
  return json.dump(indent, /*indent_char=*/' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace);
}

}  // namespace

Status WriteRunManifest(const RunFacts& facts, const LoadedModel& model,
                        std::span<const SlideSummary> slides,
                        const Sink& sink) {
  constexpr std::string_view kEndOfObject = "\n}";
  CYTO8_ASSIGN_OR_RETURN(const Json head,
                         HeadJson(facts, model, RunStatus(slides)));
  std::string text = Text(head, /*indent=*/2);
  text.resize(text.size() - kEndOfObject.size());
  CYTO8_RETURN_IF_ERROR(sink(text + ",\n  \"images\": ["));
  std::string_view before = "\n    ";
  for (const SlideSummary& slide : slides) {
    CYTO8_RETURN_IF_ERROR(sink(before));
    CYTO8_RETURN_IF_ERROR(
        sink(Text(SlideJson(slide, model.card), /*indent=*/-1)));
    before = ",\n    ";
  }
  return sink(slides.empty() ? "]\n}\n" : "\n  ]\n}\n");
}

std::string_view RunStatus(std::span<const SlideSummary> slides) {
  const auto count = [&](auto predicate) {
    return std::count_if(slides.begin(), slides.end(), predicate);
  };
  const auto whole = count([](const SlideSummary& slide) {
    return OutcomeOf(slide) == SlideOutcome::kDone;
  });
  if (static_cast<size_t>(whole) == slides.size()) return "done";
  return count([](const SlideSummary& slide) { return HasResult(slide); }) == 0
             ? "failed"
             : "partial";
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

int64_t NanosecondsNow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
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
