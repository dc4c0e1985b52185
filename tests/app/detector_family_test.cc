// SPDX-License-Identifier: Apache-2.0
// Tests of app/detector_family.h: a size compiled from the card's network gives
// what a model exported for that size gives, byte for byte; sizes, keeping and
// threads.
#include "app/detector_family.h"

#include <gtest/gtest.h>

#include <thread>

#include "app/load_model.h"
#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

// The mini model as if exported for another size, with its card.
void PutModelOfSize(const TemporaryFolder& folder, const TileSize& size) {
  EfficientDetGraphOptions options = MiniEfficientDetGraphOptions();
  options.classes = 2;
  options.image_width = size.width_px;
  options.image_height = size.height_px;
  GraphDefBuilder builder = EfficientDetGraphDef(options);
  TamePredictions(builder.graph_def());
  const std::vector<std::byte> model = builder.ToBytes();
  folder.Put("mini.pb", TextOf(model));
  std::string card = CardText(HexSha256(model));
  card = Edited(card, "width_px: 128",
                "width_px: " + std::to_string(size.width_px));
  folder.Put("mini.yaml",
             Edited(card, "height_px: 128",
                    "height_px: " + std::to_string(size.height_px)));
}

LoadedModel Load(const TileSize& exported, LoadModelOptions options = {}) {
  const TemporaryFolder folder;
  PutModelOfSize(folder, exported);
  options.path = folder.PathOf("mini.yaml");
  options.other_sizes = true;
  options.engine = Engine::kNaive;
  auto loaded = LoadModel(RealFileSystem(), options);
  EXPECT_TRUE(loaded.ok()) << loaded.status().message();
  return *std::move(loaded);
}

std::vector<Detection> DetectionsOf(
    const std::shared_ptr<const Detector>& detector, const ImageView& image) {
  SerialFor executor;
  DetectorSession session = DetectorSession::Create(detector).value();
  return session.Detect(image, {}, executor).value().detections;
}

std::vector<uint8_t> Noise(int64_t bytes) {
  std::vector<uint8_t> pixels(static_cast<size_t>(bytes));
  uint32_t seed = 5;
  for (uint8_t& pixel : pixels) {
    seed = seed * 1664525u + 1013904223u;
    pixel = static_cast<uint8_t>(seed >> 24);
  }
  return pixels;
}

ImageView ViewOf(const std::vector<uint8_t>& pixels, const TileSize& size) {
  return {.data = pixels.data(),
          .width_px = size.width_px,
          .height_px = size.height_px,
          .stride_bytes = size.width_px * kRgbChannels};
}

TEST(DetectorFamilyTest, ASizeGivesWhatAnExportOfThatSizeGives) {
  constexpr TileSize kWide = {.width_px = 256, .height_px = 128};
  const std::vector<uint8_t> pixels = Noise(256 * 128 * kRgbChannels);
  const ImageView image = ViewOf(pixels, kWide);
  const std::vector<Detection> expected =
      DetectionsOf(Load(kWide).detector, image);
  EXPECT_GT(expected.size(), 10);
  // From sizes that halve evenly and such that do not.
  for (const TileSize& exported :
       {TileSize{.width_px = 128, .height_px = 128},
        TileSize{.width_px = 96, .height_px = 320}}) {
    const LoadedModel model = Load(exported);
    const auto detector = model.family->ForTile(256, 128);
    ASSERT_TRUE(detector.ok()) << detector.status().message();
    EXPECT_EQ((*detector)->tile_width_px(), 256);
    EXPECT_EQ((*detector)->tile_height_px(), 128);
    EXPECT_EQ(DetectionsOf(*detector, image), expected);
  }
}

TEST(DetectorFamilyTest, TheWantedSizeCanBeLoadedAtOnce) {
  constexpr TileSize kWide = {.width_px = 256, .height_px = 128};
  const LoadedModel model =
      Load({.width_px = 128, .height_px = 128}, {.tile_px = kWide});
  EXPECT_EQ(model.detector->tile_width_px(), 256);
  EXPECT_EQ(model.card.width_px, 128);
  EXPECT_EQ(*model.family->ForTile(256, 128), model.detector);
}

TEST(DetectorFamilyTest, ASizeIsCompiledOnceWhoeverAsks) {
  const LoadedModel model = Load({.width_px = 128, .height_px = 128});
  EXPECT_EQ(*model.family->ForTile(128, 128), model.detector);
  std::vector<std::shared_ptr<const Detector>> found(8);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < found.size(); ++i) {
    threads.emplace_back([&, i] {
      found[i] = model.family->ForTile(i % 2 == 0 ? 128 : 256, 256).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 2; i < found.size(); ++i) EXPECT_EQ(found[i], found[i - 2]);
  EXPECT_NE(found[0], found[1]);
}

TEST(DetectorFamilyTest, SizesThatAreNoMultiplesAreRefused) {
  const LoadedModel model = Load({.width_px = 96, .height_px = 320});
  const auto refusal = [&](int64_t width_px, int64_t height_px) {
    return model.family->ForTile(width_px, height_px).status().message();
  };
  EXPECT_EQ(refusal(600, 512),
            "tile_px = 600x512: width must be a multiple of 128 in [128, "
            "8192]");
  EXPECT_EQ(refusal(512, 0),
            "tile_px = 512x0: height must be a multiple of 128 in [128, "
            "8192]");
  EXPECT_EQ(refusal(8320, 128),
            "tile_px = 8320x128: width must be a multiple of 128 in [128, "
            "8192]");
  EXPECT_EQ(refusal(-128, -128),
            "tile_px = -128x-128: width must be a multiple of 128 in [128, "
            "8192]");
  EXPECT_TRUE(model.family->ForTile(96, 320).ok());  // the card's own.
  EXPECT_NE(refusal(320, 96), "");
}

// Levels that the exporter left out at 64 px cannot be had at 128.
TEST(DetectorFamilyTest, ANetworkWithoutItsUpperPoolIsRefused) {
  const LoadedModel model = Load({.width_px = 64, .height_px = 64});
  EXPECT_EQ(model.family->ForTile(128, 128).status().message(),
            "tile_px = 128x128: model output 'box_net/box-predict_4/BiasAdd': "
            "[1,2,2,36]: must be 1 x 1 cells");
}

TEST(DetectorFamilyTest, TheSmallestSizeHoldsTheTile) {
  const DetectorFamily family(
      {.card_size = {.width_px = 768, .height_px = 768}});
  for (int64_t width = 1; width <= 400; width += 7) {
    for (int64_t height = 1; height <= 400; ++height) {
      const TileSize size = family.SmallestSize(width, height).value();
      ASSERT_EQ(size.width_px % 128, 0);
      ASSERT_EQ(size.height_px % 128, 0);
      ASSERT_TRUE(size.width_px >= width && size.width_px - width < 128);
      ASSERT_TRUE(size.height_px >= height && size.height_px - height < 128);
    }
  }
  EXPECT_EQ(family.SmallestSize(8193, 1).status().message(),
            "width_px = 8193: must be in [1, 8192]");
  EXPECT_EQ(family.SmallestSize(1, 0).status().message(),
            "height_px = 0: must be in [1, 8192]");
}

TEST(DetectorFamilyTest, TheCardsSizeIsTakenWhereItIsSmaller) {
  const DetectorFamily family(
      {.card_size = {.width_px = 320, .height_px = 320}});
  const auto smallest = [&](int64_t width_px, int64_t height_px) {
    return family.SmallestSize(width_px, height_px).value();
  };
  EXPECT_EQ(smallest(300, 257), (TileSize{.width_px = 320, .height_px = 320}));
  EXPECT_EQ(smallest(256, 256), (TileSize{.width_px = 256, .height_px = 256}));
  EXPECT_EQ(smallest(321, 1), (TileSize{.width_px = 384, .height_px = 128}));
}

// One level of a quarter of the pixels, one convolution for each head.
DetectorFamilyOptions ToyFamily() {
  constexpr int64_t kSide = 8;
  const TensorDesc pixels = {.type = DataType::kUint8,
                             .shape = Shape{1, kSide, kSide, kRgbChannels}};
  Graph graph;
  Node input = {.name = "pixels",
                .op = Op::kInput,
                .attributes = InputAttributes{pixels}};
  input.outputs = {pixels};
  const ValueRef image = graph.Add(std::move(input));
  const ValueRef x = graph.Add({.name = "x",
                                .op = Op::kNormalize,
                                .inputs = {image},
                                .attributes = NormalizeAttributes{}});
  const auto add_head = [&](const std::string& name, int64_t channels) {
    const std::vector<float> weights(
        static_cast<size_t>(kRgbChannels * channels), 0.001f);
    const ValueRef kernel = graph.AddConst(
        name + "/kernel",
        Tensor::FromFloats({1, 1, kRgbChannels, channels}, weights));
    graph.outputs.push_back(
        {.name = name,
         .value =
             graph.Add({.name = name,
                        .op = Op::kConv2D,
                        .inputs = {x, kernel},
                        .attributes = ConvAttributes{.strides = {2, 2}}})});
  };
  add_head("class", 9);
  add_head("box", 36);
  return {
      .network = std::move(graph),
      .card_size = {.width_px = kSide, .height_px = kSide},
      .anchors = {.min_level = 1, .max_level = 1},
      .detector = {.levels = {{.class_output = "class", .box_output = "box"}},
                   .anchors = {},
                   .classes = 1,
                   .postprocess = {},
                   .pad_rgb = {}}};
}

TEST(DetectorFamilyTest, TheOneNotAskedForTheLongestGoes) {
  DetectorFamilyOptions options = ToyFamily();
  options.max_kept = 2;
  const DetectorFamily family(std::move(options));
  const auto a = family.ForTile(2, 2).value();
  const auto b = family.ForTile(4, 2).value();
  EXPECT_EQ(family.ForTile(2, 2).value(), a);
  const auto c = family.ForTile(6, 2).value();  // b goes.
  EXPECT_EQ(family.ForTile(2, 2).value(), a);
  EXPECT_EQ(family.ForTile(6, 2).value(), c);
  EXPECT_NE(family.ForTile(4, 2).value(), b);
  EXPECT_EQ(b->tile_width_px(), 4);  // whoever holds it keeps it.
}

}  // namespace
}  // namespace cyto8
