// SPDX-License-Identifier: Apache-2.0
// See slide_state.h. The file is {"format", "version", "state", "sha256"}: the
// hash is that of the state's text, so that no changed digit is believed.
#include "app/slide_state.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/atomic_file.h"
#include "base/checked_math.h"
#include "base/sha256.h"
#include "base/valid_utf8.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "cyto8-state";
constexpr int kVersion = 1;
constexpr const char* kName = "/state.json";
constexpr int64_t kMaxBytes = 1 << 20;

std::string TextOf(const Json& json) {
  return json.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace);
}

StatusOr<std::string> HashOf(const Json& json) {
  const std::string text = TextOf(json);
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest,
                         Sha256(std::as_bytes(std::span(text))));
  return ToHex(digest);
}

Json SecondsJson(const StageSeconds& seconds) {
  return {seconds.read,  seconds.decode, seconds.resample, seconds.infer,
          seconds.boxes, seconds.merge,  seconds.write};
}

Json FilesJson(const std::vector<WrittenFile>& files) {
  Json list = Json::array();
  for (const WrittenFile& file : files) {
    list.push_back({{"name", ValidUtf8(file.name)},
                    {"bytes", file.bytes},
                    {"sha256", file.sha256}});
  }
  return list;
}

Json CountsJson(const SlideCounts& counts) {
  Json json = {{"planned", counts.planned},
               {"background", counts.background},
               {"scored", counts.scored},
               {"failed", counts.failed},
               {"blurred", counts.blurred},
               {"too_dark", counts.too_dark},
               {"blurred_or_dark", counts.blurred_or_dark},
               {"pale", counts.pale},
               {"artefact", counts.artefact}};
  if (counts.covered_mm2) json["covered_mm2"] = *counts.covered_mm2;
  return json;
}

SlideCounts CountsOf(const Json& json) {
  SlideCounts counts;
  json.at("planned").get_to(counts.planned);
  json.at("background").get_to(counts.background);
  json.at("scored").get_to(counts.scored);
  json.at("failed").get_to(counts.failed);
  json.at("blurred").get_to(counts.blurred);
  json.at("too_dark").get_to(counts.too_dark);
  json.at("blurred_or_dark").get_to(counts.blurred_or_dark);
  json.at("pale").get_to(counts.pale);
  json.at("artefact").get_to(counts.artefact);
  if (json.contains("covered_mm2")) {
    counts.covered_mm2 = json["covered_mm2"].get<double>();
  }
  return counts;
}

Json ScanJson(const SlideVerdict& verdict) {
  Json reasons = Json::array();
  for (const ReasonText& reason : verdict.reasons) {
    reasons.push_back({static_cast<int>(reason.reason),
                       static_cast<int>(reason.verdict), reason.text});
  }
  return {{"verdict", static_cast<int>(verdict.verdict)},
          {"coverage", verdict.coverage},
          {"reasons", reasons}};
}

SlideVerdict VerdictOf(const Json& json) {
  SlideVerdict verdict = {
      .verdict = static_cast<ScanVerdict>(json.at("verdict").get<int>()),
      .coverage = json.at("coverage").get<double>()};
  for (const Json& reason : json.at("reasons")) {
    verdict.reasons.push_back(
        {.reason = static_cast<VerdictReason>(reason.at(0).get<int>()),
         .verdict = static_cast<ScanVerdict>(reason.at(1).get<int>()),
         .text = reason.at(2).get<std::string>()});
  }
  return verdict;
}

Json StateJson(const SlideState& state) {
  const SlideSummary& slide = state.summary;
  return {{"id", slide.identity.id},
          {"status", SlideOutcomeName(OutcomeOf(slide))},
          {"code", static_cast<int>(slide.status.code())},
          {"error", ValidUtf8(slide.status.message())},
          {"attempts", slide.attempts},
          {"sha256", slide.sha256},
          {"width_px", slide.width_px},
          {"height_px", slide.height_px},
          {"mpp", slide.mpp.value},
          {"mpp_source", slide.mpp.source},
          {"counts", CountsJson(slide.counts)},
          {"scan", ScanJson(slide.verdict)},
          {"is_slide", slide.is_slide},
          {"boxes", slide.boxes},
          {"cells_of_class", slide.cells_of_class},
          {"notes", ValidUtf8(slide.notes)},
          {"candidates_key", state.keys.candidates},
          {"results_key", state.keys.results},
          {"origin", state.origin},
          {"ended_ns", state.ended_ns},
          {"seconds", SecondsJson(slide.seconds)},
          {"files", FilesJson(state.files)}};
}

// Of a text whose hash fits; so exceptions mean that no Cyto8 wrote it.
SlideState StateOf(const Json& json, const SlideIdentity& identity) {
  SlideState state;
  SlideSummary& slide = state.summary;
  slide.identity = identity;
  const auto code = static_cast<StatusCode>(json.at("code").get<int>());
  if (code != StatusCode::kOk) {
    slide.status = Status(code, json.at("error").get<std::string>());
  }
  json.at("attempts").get_to(slide.attempts);
  json.at("sha256").get_to(slide.sha256);
  json.at("width_px").get_to(slide.width_px);
  json.at("height_px").get_to(slide.height_px);
  json.at("mpp").get_to(slide.mpp.value);
  json.at("mpp_source").get_to(slide.mpp.source);
  slide.counts = CountsOf(json.at("counts"));
  slide.verdict = VerdictOf(json.at("scan"));
  json.at("is_slide").get_to(slide.is_slide);
  json.at("boxes").get_to(slide.boxes);
  json.at("cells_of_class").get_to(slide.cells_of_class);
  json.at("notes").get_to(slide.notes);
  json.at("candidates_key").get_to(state.keys.candidates);
  json.at("results_key").get_to(state.keys.results);
  state.origin = json.value("origin", "");
  state.ended_ns = json.value("ended_ns", int64_t{0});
  const Json& seconds = json.at("seconds");
  StageSeconds& stages = slide.seconds;
  double* const fields[] = {&stages.read,  &stages.decode, &stages.resample,
                            &stages.infer, &stages.boxes,  &stages.merge,
                            &stages.write};
  for (size_t i = 0; i < std::size(fields); ++i) {
    seconds.at(i).get_to(*fields[i]);
  }
  for (const Json& file : json.at("files")) {
    state.files.push_back({.name = file.at("name").get<std::string>(),
                           .bytes = file.at("bytes").get<int64_t>(),
                           .sha256 = file.at("sha256").get<std::string>()});
  }
  return state;
}

StatusOr<SlideState> Parse(const std::vector<std::byte>& bytes,
                           const SlideIdentity& identity) {
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const Json json = Json::parse(text, text + bytes.size(), /*cb=*/nullptr,
                                /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("format", "") != kFormat) {
    return DataLoss("is no whole " + std::string(kFormat));
  }
  const int version = json.value("version", 0);
  if (version != kVersion) {
    return Unimplemented("version = " + std::to_string(version) +
                         ": only 1 is read");
  }
  if (!json.contains("state") || !json["state"].is_object()) {
    return DataLoss("has no state");
  }
  const Json& state = json["state"];
  CYTO8_ASSIGN_OR_RETURN(const std::string hash, HashOf(state));
  if (json.value("sha256", "") != hash) {
    return DataLoss("SHA-256 does not fit");
  }
  if (state.value("id", "") != identity.id) {
    return DataLoss("is of slide " + state.value("id", "?") + ", not of " +
                    identity.id);
  }
  return StateOf(state, identity);
}

}  // namespace

StatusOr<WrittenFile> DescribeFile(FileSystem& files, const std::string& folder,
                                   const std::string& name) {
  const std::string path = folder + "/" + name;
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  const StatusOr<FileInfo> info = files.Stat(file, path);
  CYTO8_RETURN_IF_ERROR(files.Close(file, path));
  CYTO8_RETURN_IF_ERROR(info.status());
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256OfFile(files, path));
  return WrittenFile{
      .name = name, .bytes = info->size_bytes, .sha256 = ToHex(digest)};
}

Status WriteSlideState(FileSystem& files, const std::string& folder,
                       const SlideState& state) {
  const Json inner = StateJson(state);
  CYTO8_ASSIGN_OR_RETURN(const std::string hash, HashOf(inner));
  const Json json = {{"format", kFormat},
                     {"version", kVersion},
                     {"state", inner},
                     {"sha256", hash}};
  return WriteFileAtomically(files, folder + kName, TextOf(json) + "\n");
}

StatusOr<SlideState> ReadSlideState(FileSystem& files,
                                    const std::string& folder,
                                    const SlideIdentity& identity) {
  const std::string path = folder + kName;
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, kMaxBytes));
  try {
    return Annotate(Parse(bytes, identity), path);
  } catch (const Json::exception& error) {
    return DataLoss(path + ": " + error.what());
  }
}

Status VerifySlideFiles(FileSystem& files, const std::string& folder,
                        const SlideState& state) {
  for (const WrittenFile& wanted : state.files) {
    const StatusOr<WrittenFile> found =
        DescribeFile(files, folder, wanted.name);
    if (found.status().code() == StatusCode::kNotFound) {
      return DataLoss(folder + "/" + wanted.name + ": is missing");
    }
    CYTO8_RETURN_IF_ERROR(found.status());
    if (!(*found == wanted)) {
      return DataLoss(folder + "/" + wanted.name +
                      ": is not as it was written");
    }
  }
  return OkStatus();
}

}  // namespace cyto8
