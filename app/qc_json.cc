// SPDX-License-Identifier: Apache-2.0
// See qc_json.h.
#include "app/qc_json.h"

#include <nlohmann/json.hpp>

#include "base/version.h"

namespace cyto8 {

using Json = nlohmann::ordered_json;

std::string QcJson(const SlideFacts& slide) {
  const SlideCounts& counts = slide.counts;
  Json reasons = Json::array();
  for (const ReasonText& reason : slide.verdict.reasons) {
    reasons.push_back({{"code", ReasonCode(reason.reason)},
                       {"scan", ScanVerdictName(reason.verdict)},
                       {"text", reason.text}});
  }
  const Json json = {
      {"format", "cyto8-qc"},
      {"version", 1},
      {"notice", kResearchNotice},
      {"slide", slide.identity.id},
      {"scan", ScanVerdictName(slide.verdict.verdict)},
      {"coverage", slide.verdict.coverage},
      {"reasons", reasons},
      {"tiles",
       {{"planned", counts.planned},
        {"background", counts.background},
        {"scored", counts.scored},
        {"failed", counts.failed},
        {"blurred", counts.blurred},
        {"too_dark", counts.too_dark},
        {"pale", counts.pale},
        {"artefact", counts.artefact}}},
      {"covered_mm2", counts.covered_mm2 ? Json(*counts.covered_mm2) : Json()}};
  return json.dump(/*indent=*/2) + "\n";
}

}  // namespace cyto8
