// SPDX-License-Identifier: Apache-2.0
// GeoJSON by plain text; see geojson_writer.h. What QuPath takes was read in
// its QuPathTypeAdapters: objectType stands in `properties`, a class needs a
// colour, measurements are an object of numbers, and of the root it looks at
// `features` only.
#include "app/geojson_writer.h"

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "app/json_text.h"
#include "base/numbers.h"
#include "base/uuid.h"
#include "base/version.h"

namespace cyto8 {
namespace {

// 12edd6e6-7a81-5f32-a8e5-1ffd44368b4c: version 5 of "urn:cyto8:detection" in
// the URL namespace of RFC 4122.
constexpr Uuid kDetectionNamespace = {0x12, 0xed, 0xd6, 0xe6, 0x7a, 0x81,
                                      0x5f, 0x32, 0xa8, 0xe5, 0x1f, 0xfd,
                                      0x44, 0x36, 0x8b, 0x4c};

std::string BoxNumber(double value) { return FormatFixed(value, kBoxDecimals); }

// What a cell is called in its slide, whatever its score.
std::string NameOf(const SlideIdentity& slide, const Detection& cell) {
  const Box& box = cell.box;
  return slide.id + "/" + std::to_string(cell.class_id) + "/" +
         BoxNumber(box.x_min) + "," + BoxNumber(box.y_min) + "," +
         BoxNumber(box.x_max) + "," + BoxNumber(box.y_max);
}

// Ids in the order of the cells. Boxes of one class that are written alike are
// rare but possible (a soft suppression keeps them), and QuPath asks its user
// what to do with equal ids: from the second on they are numbered. To know
// them without a table of all ids, hashes of the names are sorted once.
class FeatureIds {
 public:
  explicit FeatureIds(const SlideResult& slide);

  StatusOr<std::string> Next(const SlideIdentity& slide, const Detection& cell);

 private:
  static size_t HashOf(const std::string& name) {
    return std::hash<std::string>()(name);
  }

  std::vector<size_t> shared_;    // hashes that occur more than once.
  std::map<Uuid, int64_t> seen_;  // of those.
};

FeatureIds::FeatureIds(const SlideResult& slide) {
  std::vector<size_t> all;
  all.reserve(slide.cells.size());
  for (const Detection& cell : slide.cells) {
    all.push_back(HashOf(NameOf(slide.identity, cell)));
  }
  std::sort(all.begin(), all.end());
  for (size_t i = 1; i < all.size(); ++i) {
    if (all[i] == all[i - 1]) shared_.push_back(all[i]);
  }
}

StatusOr<std::string> FeatureIds::Next(const SlideIdentity& slide,
                                       const Detection& cell) {
  const std::string name = NameOf(slide, cell);
  CYTO8_ASSIGN_OR_RETURN(Uuid uuid, NamedUuid(kDetectionNamespace, name));
  if (std::binary_search(shared_.begin(), shared_.end(), HashOf(name))) {
    const int64_t times = ++seen_[uuid];
    if (times > 1) {
      CYTO8_ASSIGN_OR_RETURN(
          uuid,
          NamedUuid(kDetectionNamespace, name + "/" + std::to_string(times)));
    }
  }
  return ToText(uuid);
}

// Up to the list of features.
std::string Head(const SlideResult& slide) {
  return "{\"type\": \"FeatureCollection\", \"cyto8\": {\"format\": "
         "\"cyto8-detections\", \"version\": 1, \"notice\": " +
         JsonText(kResearchNotice) +
         ", \"slide\": " + JsonText(slide.identity.id) +
         ", \"width_px\": " + std::to_string(slide.width_px) +
         ", \"height_px\": " + std::to_string(slide.height_px) + ", \"mpp\": " +
         (slide.mpp.is_known() ? FormatShortest(slide.mpp.value) : "null") +
         ", \"mpp_source\": " + JsonText(slide.mpp.source) +
         ", \"conventions\": \"level-0 pixels, origin top left, y downwards; "
         "boxes may reach past the image\"}, \"features\": [";
}

std::string Corner(double x, double y) {
  return "[" + BoxNumber(x) + ", " + BoxNumber(y) + "]";
}

std::string Geometry(const Box& box) {
  const std::string first = Corner(box.x_min, box.y_min);
  return "{\"type\": \"Polygon\", \"coordinates\": [[" + first + ", " +
         Corner(box.x_max, box.y_min) + ", " + Corner(box.x_max, box.y_max) +
         ", " + Corner(box.x_min, box.y_max) + ", " + first + "]]}";
}

std::string Classification(const CardClass& entry) {
  return "{\"name\": " + JsonText(entry.name) + ", \"color\": [" +
         std::to_string(entry.color.red) + ", " +
         std::to_string(entry.color.green) + ", " +
         std::to_string(entry.color.blue) + "]}";
}

std::string Feature(const std::string& id, const Detection& cell,
                    const std::string& classification, size_t rank) {
  return "{\"type\": \"Feature\", \"id\": \"" + id +
         "\", \"geometry\": " + Geometry(cell.box) +
         ", \"properties\": {\"objectType\": \"detection\", "
         "\"classification\": " +
         classification + ", \"measurements\": {\"score\": " +
         FormatFixed(cell.score, kScoreDecimals) +
         ", \"rank\": " + std::to_string(rank) + "}}}";
}

}  // namespace

Status WriteGeoJson(const SlideResult& slide, const ModelCard& card,
                    const Sink& sink) {
  std::vector<std::string> classifications;
  for (const CardClass& entry : card.classes) {
    classifications.push_back(Classification(entry));
  }
  FeatureIds ids(slide);
  CYTO8_RETURN_IF_ERROR(sink(Head(slide)));
  for (size_t i = 0; i < slide.cells.size(); ++i) {
    const Detection& cell = slide.cells[i];
    CYTO8_ASSIGN_OR_RETURN(const std::string id,
                           ids.Next(slide.identity, cell));
    const auto class_index = static_cast<size_t>(cell.class_id - 1);
    CYTO8_RETURN_IF_ERROR(
        sink((i == 0 ? "\n" : ",\n") +
             Feature(id, cell, classifications[class_index], i + 1)));
  }
  return sink("\n]}\n");
}

}  // namespace cyto8
