// SPDX-License-Identifier: Apache-2.0
// Tests of app/geojson_writer.h and app/gzip_writer.h: the contract with QuPath
// field by field, the bytes, and what 100,000 boxes cost.
#include "app/geojson_writer.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "app/gzip_writer.h"
#include "base/version.h"
#include "tests/app/result_fixture.h"

namespace cyto8 {
namespace {

using nlohmann::json;

std::string GeoJson(const SlideResult& slide) {
  return Written([&](const Sink& sink) {
    return WriteGeoJson(slide, TwoClasses(), sink);
  });
}

std::string Compress(const std::string& text, size_t piece_bytes) {
  return Written([&](const Sink& sink) -> Status {
    CYTO8_ASSIGN_OR_RETURN(GzipWriter gzip, GzipWriter::Create(sink));
    for (size_t i = 0; i < text.size(); i += piece_bytes) {
      CYTO8_RETURN_IF_ERROR(gzip.Append(text.substr(i, piece_bytes)));
    }
    return gzip.Finish();
  });
}

std::string Decompress(const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in =
      const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  std::array<char, 4096> block{};
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = block.size();
    result = inflate(&stream, Z_NO_FLUSH);
    text.append(block.data(), block.size() - stream.avail_out);
  }
  EXPECT_EQ(result, Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0) << "more than one member";
  inflateEnd(&stream);
  return text;
}

SlideResult ManyCells(int64_t count) {
  SlideResult slide = TwoCells();
  slide.cells.clear();
  for (int64_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(i % 1000) * 90;
    const auto y = static_cast<double>(i / 1000) * 90.25;
    slide.cells.push_back({.box = {x, y, x + 60.5, y + 70},
                           .score = 0.5f,
                           .class_id = static_cast<int>(i % 2) + 1});
  }
  return slide;
}

TEST(WriteGeoJsonTest, TheBytesOfASmallImage) {
  EXPECT_EQ(
      GeoJson(TwoCells()),
      "{\"type\": \"FeatureCollection\", \"cyto8\": {\"format\": "
      "\"cyto8-detections\", \"version\": 1, \"notice\": \"" +
          std::string(kResearchNotice) +
          "\", \"slide\": \"x-1\", \"width_px\": 100, \"height_px\": 50, "
          "\"mpp\": 0.2472, \"mpp_source\": \"--mpp\", \"conventions\": "
          "\"level-0 pixels, origin top left, y downwards; boxes may reach "
          "past the image\"}, \"features\": [\n"
          "{\"type\": \"Feature\", \"id\": "
          "\"fb3192f3-de84-5878-8a39-fc9c0b6a9867\", \"geometry\": {\"type\": "
          "\"Polygon\", \"coordinates\": [[[10.00, 20.00], [30.12, 20.00], "
          "[30.12, 40.00], [10.00, 40.00], [10.00, 20.00]]]}, "
          "\"properties\": {\"objectType\": \"detection\", "
          "\"classification\": {\"name\": \"a,\\\"b\\\"\", \"color\": [200, "
          "0, 7]}, \"measurements\": {\"score\": 0.750000, \"rank\": 1}}},\n"
          "{\"type\": \"Feature\", \"id\": "
          "\"9fa4f084-ded5-5053-92ca-8f1cfba2e154\", \"geometry\": {\"type\": "
          "\"Polygon\", \"coordinates\": [[[0.00, 0.00], [5.00, 0.00], "
          "[5.00, 5.00], [0.00, 5.00], [0.00, 0.00]]]}, "
          "\"properties\": {\"objectType\": \"detection\", "
          "\"classification\": {\"name\": \"NILM\", \"color\": [60, 160, "
          "60]}, \"measurements\": {\"score\": 0.500000, \"rank\": 2}}}\n"
          "]}\n");
}

TEST(WriteGeoJsonTest, WithoutCellsTheListIsEmpty) {
  SlideResult slide = TwoCells();
  slide.cells.clear();
  EXPECT_EQ(json::parse(GeoJson(slide))["features"], json::array());
}

// What QuPath's reader looks at (QuPathTypeAdapters), and RFC 7946.
void ExpectQuPathFeature(const json& feature) {
  EXPECT_EQ(feature["type"], "Feature");
  EXPECT_TRUE(std::regex_match(
      feature["id"].get<std::string>(),
      std::regex("[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                 "[0-9a-f]{12}")));
  EXPECT_FALSE(feature.contains("objectType"));
  const json& properties = feature["properties"];
  EXPECT_EQ(properties["objectType"], "detection");
  EXPECT_TRUE(properties["classification"]["name"].is_string());
  ASSERT_EQ(properties["classification"]["color"].size(), 3);
  for (const json& value : properties["classification"]["color"]) {
    EXPECT_TRUE(value.is_number_integer());
  }
  for (const json& value : properties["measurements"]) {
    EXPECT_TRUE(value.is_number());
  }
  EXPECT_EQ(feature["geometry"]["type"], "Polygon");
  const json& rings = feature["geometry"]["coordinates"];
  ASSERT_EQ(rings.size(), 1);
  ASSERT_EQ(rings[0].size(), 5);
  EXPECT_EQ(rings[0].front(), rings[0].back());
}

TEST(WriteGeoJsonTest, EveryFeatureIsWhatQuPathTakes) {
  const json root = json::parse(GeoJson(ManyCells(2000)));
  EXPECT_EQ(root["type"], "FeatureCollection");
  for (const char* forbidden :
       {"coordinates", "geometries", "geometry", "properties"}) {
    EXPECT_FALSE(root.contains(forbidden));
  }
  ASSERT_EQ(root["features"].size(), 2000);
  for (const json& feature : root["features"]) ExpectQuPathFeature(feature);
}

TEST(WriteGeoJsonTest, IdsDependOnSlideBoxAndClassAndNotOnTheScore) {
  const auto id = [](const SlideResult& slide) {
    return json::parse(GeoJson(slide))["features"][0]["id"];
  };
  SlideResult slide = TwoCells();
  const json first = id(slide);
  slide.cells[0].score = 0.7f;
  EXPECT_EQ(id(slide), first);
  slide.cells[0].box.x_max -= 0.001;  // not seen in two decimals.
  EXPECT_EQ(id(slide), first);
  slide.cells[0].box.x_max += 0.1;
  EXPECT_NE(id(slide), first);
  slide = TwoCells();
  slide.cells[0].class_id = 1;
  EXPECT_NE(id(slide), first);
  slide = TwoCells();
  slide.identity.id = "x-2";
  EXPECT_NE(id(slide), first);
}

TEST(WriteGeoJsonTest, BoxesThatAreWrittenAlikeGetDifferentIds) {
  SlideResult slide = TwoCells();
  slide.cells = {slide.cells[0], slide.cells[0], slide.cells[1],
                 slide.cells[0]};
  std::set<std::string> ids;
  const json root = json::parse(GeoJson(slide));
  for (const json& feature : root["features"]) {
    ids.insert(feature["id"].get<std::string>());
  }
  EXPECT_EQ(ids.size(), 4);
  EXPECT_TRUE(ids.contains("fb3192f3-de84-5878-8a39-fc9c0b6a9867"));
}

TEST(WriteGeoJsonTest, ErrorsOfTheSinkEndTheWriting) {
  EXPECT_EQ(ExpectSinkErrorsPassOn([](const Sink& sink) {
              return WriteGeoJson(TwoCells(), TwoClasses(), sink);
            }),
            4);
}

// A feature at a time, whatever their number.
TEST(WriteGeoJsonTest, AHundredThousandBoxesPassInSmallPieces) {
  const SlideResult slide = ManyCells(100'000);
  size_t largest = 0;
  int64_t features = 0;
  const Status status =
      WriteGeoJson(slide, TwoClasses(), [&](std::string_view bytes) {
        largest = std::max(largest, bytes.size());
        features += bytes.find("\"Feature\"") != std::string_view::npos;
        return OkStatus();
      });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(features, 100'000);
  EXPECT_LT(largest, 1000);
}

TEST(GzipWriterTest, ReadsBackWhateverThePieces) {
  const std::string text = GeoJson(ManyCells(3000));
  const std::string bytes = Compress(text, text.size());
  EXPECT_LT(bytes.size(), text.size() / 4);
  EXPECT_EQ(Decompress(bytes), text);
  for (const size_t piece : {1000, 65'536, 65'537}) {
    EXPECT_EQ(Compress(text, piece), bytes) << piece;
  }
  EXPECT_EQ(Decompress(Compress("", 1)), "");
}

TEST(GzipWriterTest, TheHeaderHasNoTimeAndNoName) {
  const std::string bytes = Compress("abc", 1);
  EXPECT_EQ(bytes.substr(0, 9), std::string("\x1f\x8b\x08\0\0\0\0\0\0", 9));
}

TEST(GzipWriterTest, ErrorsOfTheSinkPassOn) {
  std::string noise;  // does not shrink, so the sink is called often.
  uint32_t state = 1;
  for (int i = 0; i < 300'000; ++i) {
    state = state * 1'664'525 + 1'013'904'223;
    noise += static_cast<char>(state >> 24);
  }
  EXPECT_GE(ExpectSinkErrorsPassOn([&](const Sink& sink) -> Status {
              CYTO8_ASSIGN_OR_RETURN(GzipWriter gzip, GzipWriter::Create(sink));
              CYTO8_RETURN_IF_ERROR(gzip.Append(noise));
              return gzip.Finish();
            }),
            5);
}

}  // namespace
}  // namespace cyto8
