// SPDX-License-Identifier: Apache-2.0
// Tests of app/slide_files.h and app/coco_run.h: which files appear and in
// which order, and every file call failing in turn.
#include "app/slide_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/coco_run.h"
#include "tests/app/app_fixture.h"
#include "tests/app/result_fixture.h"
#include "tests/support/faulty_file_system.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kMarker = "detections.geojson.gz";

RowReader WhiteRows() {
  return [](int64_t rows, uint8_t* dst, int64_t stride_bytes) {
    std::fill_n(dst, rows * stride_bytes, uint8_t{255});
    return OkStatus();
  };
}

// Which names come and go, in order.
class RecordingFileSystem final : public FileSystem {
 public:
  std::vector<std::string> events;

  StatusOr<int> OpenForReading(const std::string& path) override {
    return real_.OpenForReading(path);
  }
  StatusOr<int> CreateNew(const std::string& path) override {
    return real_.CreateNew(path);
  }
  StatusOr<int> OpenDirectory(const std::string& path) override {
    return real_.OpenDirectory(path);
  }
  StatusOr<FileInfo> Stat(int file, const std::string& path) override {
    return real_.Stat(file, path);
  }
  StatusOr<int64_t> Read(int file, std::span<std::byte> bytes,
                         const std::string& path) override {
    return real_.Read(file, bytes, path);
  }
  StatusOr<int64_t> ReadAt(int file, int64_t offset,
                           std::span<std::byte> bytes,
                           const std::string& path) override {
    return real_.ReadAt(file, offset, bytes, path);
  }
  StatusOr<std::vector<DirectoryEntry>> ListDirectory(
      const std::string& path) override {
    return real_.ListDirectory(path);
  }
  StatusOr<int64_t> Write(int file, std::span<const std::byte> bytes,
                          const std::string& path) override {
    return real_.Write(file, bytes, path);
  }
  Status Sync(int file, const std::string& path) override {
    return real_.Sync(file, path);
  }
  Status Close(int file, const std::string& path) override {
    return real_.Close(file, path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    events.push_back("+" + fs::path(to).filename().string());
    return real_.Rename(from, to);
  }
  Status Remove(const std::string& path) override {
    events.push_back("-" + fs::path(path).filename().string());
    return real_.Remove(path);
  }
  Status MakeDirectory(const std::string& path) override {
    return real_.MakeDirectory(path);
  }

 private:
  FileSystem& real_ = RealFileSystem();
};

class SlideFilesTest : public testing::Test {
 protected:
  std::string SlideFolder(const std::string& id) const {
    return folder_.PathOf("slides/" + id);
  }

  Status Write(FileSystem& files, SlideResult& slide,
               bool with_overlay = true) const {
    SlideFilesOptions options = {.folder = SlideFolder(slide.identity.id),
                                 .card = &card_};
    if (with_overlay) options.overlay_rows = WhiteRows();
    return WriteSlideFiles(files, options, slide);
  }

  std::vector<std::string> NamesIn(const std::string& folder) const {
    std::vector<std::string> names;
    if (!fs::exists(folder)) return names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TemporaryFolder folder_;
  ModelCard card_ = TwoClasses();
  RecordingFileSystem recording_;
  FaultyFileSystem faulty_{RealFileSystem()};
};

TEST_F(SlideFilesTest, TheFolderIsThatOfTheFormatsPage) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  EXPECT_THAT(NamesIn(SlideFolder("x-1")),
              ElementsAre("coco.json", "detections.csv", kMarker, "heatmap.png",
                          "overlay.jpg"));
  EXPECT_EQ(slide.notes, "");
}

TEST_F(SlideFilesTest, TheMarkerGoesFirstAndComesLast) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(recording_, slide).ok());
  EXPECT_THAT(recording_.events,
              ElementsAre("-detections.geojson.gz", "-overlay.jpg",
                          "-heatmap.png", "-detections.csv", "-coco.json",
                          "+overlay.jpg", "+heatmap.png", "+detections.csv",
                          "+coco.json", "+detections.geojson.gz"));
}

TEST_F(SlideFilesTest, WhatIsNotWantedThisTimeDoesNotStay) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  EXPECT_TRUE(
      WriteSlideFiles(
          RealFileSystem(),
          {.folder = SlideFolder("x-1"), .card = &card_, .heatmap = false},
          slide)
          .ok());
  EXPECT_THAT(NamesIn(SlideFolder("x-1")),
              ElementsAre("coco.json", "detections.csv", kMarker));
}

TEST_F(SlideFilesTest, TwoRunsGiveTheSameBytes) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  std::vector<std::vector<std::byte>> first;
  for (const std::string& name : NamesIn(SlideFolder("x-1"))) {
    first.push_back(ReadBytes(SlideFolder("x-1") + "/" + name));
  }
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  size_t i = 0;
  for (const std::string& name : NamesIn(SlideFolder("x-1"))) {
    EXPECT_EQ(ReadBytes(SlideFolder("x-1") + "/" + name), first[i++]) << name;
  }
}

TEST_F(SlideFilesTest, AnImageTooLargeForJpegGetsANote) {
  SlideResult slide = TwoCells();
  slide.width_px = 65'501;
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  EXPECT_THAT(
      NamesIn(SlideFolder("x-1")),
      ElementsAre("coco.json", "detections.csv", kMarker, "heatmap.png"));
  EXPECT_EQ(slide.notes,
            "no overlay.jpg: a side is above 65500 px, the most that a JPEG "
            "can have");
}

TEST_F(SlideFilesTest, ADamagedImageLeavesNothing) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  const Status status = WriteSlideFiles(
      RealFileSystem(),
      {.folder = SlideFolder("x-1"),
       .card = &card_,
       .overlay_rows = [](int64_t, uint8_t*,
                          int64_t) { return DataLoss("x.jpg: cut"); }},
      slide);
  EXPECT_EQ(status.message(), "x.jpg: cut");
  EXPECT_THAT(NamesIn(SlideFolder("x-1")), IsEmpty());
}

TEST_F(SlideFilesTest, SomethingElseUnderTheNameIsAnError) {
  SlideResult slide = TwoCells();
  fs::create_directories(SlideFolder("x-1") + "/overlay.jpg/full");
  EXPECT_FALSE(Write(RealFileSystem(), slide).ok());
  EXPECT_THAT(NamesIn(SlideFolder("x-1")), ElementsAre("overlay.jpg"));
}

// Over an older result: after any single failure the marker stands only if all
// of its files do, and no temporary stays.
TEST_F(SlideFilesTest, EachFailingCallLeavesAllOrNothing) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(faulty_, slide).ok());
  faulty_.Disarm();
  EXPECT_TRUE(Write(faulty_, slide).ok());
  const auto calls = static_cast<int64_t>(faulty_.calls().size());
  ASSERT_GT(calls, 40);
  for (const int error : {ENOSPC, EIO}) {
    for (int64_t i = 0; i < calls; ++i) {
      SCOPED_TRACE("call " + std::to_string(i));
      faulty_.Disarm();
      ASSERT_TRUE(Write(RealFileSystem(), slide).ok());
      faulty_.Arm({.index = i, .error_number = error});
      EXPECT_FALSE(Write(faulty_, slide).ok());
      EXPECT_THAT(NamesIn(SlideFolder("x-1")), IsEmpty());
      EXPECT_EQ(faulty_.open_files(), 0);
    }
  }
}

// A disk that stays full: nothing can be removed either, but then the marker
// was removed before, or everything under it is still that of the older run.
TEST_F(SlideFilesTest, ADiskThatStaysFullNeverLeavesAMixture) {
  SlideResult older = TwoCells();
  SlideResult newer = TwoCells();
  newer.cells.clear();
  faulty_.Disarm();
  ASSERT_TRUE(Write(faulty_, older).ok());
  const auto calls = static_cast<int64_t>(faulty_.calls().size());
  for (int64_t i = 0; i < calls; ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    ASSERT_TRUE(Write(RealFileSystem(), older).ok());
    faulty_.Arm({.index = i, .error_number = ENOSPC, .lasting = true});
    EXPECT_FALSE(Write(faulty_, newer).ok());
    const std::string marker = SlideFolder("x-1") + "/" + kMarker;
    if (!fs::exists(marker)) continue;
    const bool has_cells =
        TextOf(ReadBytes(SlideFolder("x-1") + "/coco.json")) != "[\n]\n";
    // Of the marker's own commit the rename may have come through.
    EXPECT_EQ(fs::file_size(marker) > 500, has_cells);
  }
  faulty_.Disarm();
}

TEST_F(SlideFilesTest, ShortWritesChangeNothing) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  const auto before = ReadBytes(SlideFolder("x-1") + "/" + kMarker);
  faulty_.ShortenTransfers(7);
  EXPECT_TRUE(Write(faulty_, slide).ok());
  EXPECT_EQ(ReadBytes(SlideFolder("x-1") + "/" + kMarker), before);
}

// coco_results.json.
class CocoRunTest : public SlideFilesTest {
 protected:
  CocoRunTest() {
    a_ = TwoCells();  // image_id 7.
    b_ = Partial();   // 5.
    none_ = TwoCells();
    none_.identity = {.path = "n", .id = "n-5", .image_id = 6};
    none_.cells.clear();
    for (SlideResult* slide : {&a_, &b_, &none_}) {
      EXPECT_TRUE(Write(RealFileSystem(), *slide, false).ok());
    }
  }

  std::string Joined(FileSystem& files,
                     const std::vector<SlideResult>& slides) const {
    return Written([&](const Sink& sink) {
      return WriteCocoRun(files, folder_.PathOf("slides"), SummariesOf(slides),
                          sink);
    });
  }
  Status StatusOfRun(const std::vector<SlideResult>& slides) const {
    return WriteCocoRun(RealFileSystem(), folder_.PathOf("slides"),
                        SummariesOf(slides),
                        [](std::string_view) { return OkStatus(); });
  }

  SlideResult a_;
  SlideResult b_;
  SlideResult none_;
};

TEST_F(CocoRunTest, ListsAreJoinedByRisingImageId) {
  EXPECT_EQ(Joined(RealFileSystem(), {a_, Failed(), none_, b_}),
            "[\n {\"image_id\": 5, \"category_id\": 2, \"bbox\": [10.00, "
            "20.00, 20.12, 20.00], \"score\": 0.750000},\n"
            " {\"image_id\": 7, \"category_id\": 2, \"bbox\": [10.00, 20.00, "
            "20.12, 20.00], \"score\": 0.750000},\n"
            " {\"image_id\": 7, \"category_id\": 1, \"bbox\": [0.00, 0.00, "
            "5.00, 5.00], \"score\": 0.500000}\n]\n");
  EXPECT_EQ(Joined(RealFileSystem(), {none_, Failed()}), "[\n]\n");
  EXPECT_EQ(Joined(RealFileSystem(), {}), "[\n]\n");
}

TEST_F(CocoRunTest, BlocksOfAnySizeGiveTheSame) {
  const std::string whole = Joined(RealFileSystem(), {a_, none_, b_});
  for (const int64_t bytes : {1, 2, 3, 4, 5, 100}) {
    faulty_.ShortenTransfers(bytes);
    EXPECT_EQ(Joined(faulty_, {a_, none_, b_}), whole) << bytes;
  }
}

TEST_F(CocoRunTest, AFileThatIsNotWhatWasWrittenIsDataLoss) {
  const std::string path = SlideFolder("x-1") + "/coco.json";
  const std::string whole(TextOf(ReadBytes(path)));
  const std::string error =
      path + ": is not the list of 2 boxes that was written";
  for (const std::string& other :
       {std::string(), std::string("["), whole.substr(1),
        whole.substr(0, whole.size() - 1), whole + "\n",
        std::string("[\n]\n")}) {
    folder_.Put("slides/x-1/coco.json", other);
    const Status status = StatusOfRun({a_, b_});
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << other;
    EXPECT_EQ(status.message(), error);
  }
  fs::remove(path);
  EXPECT_EQ(StatusOfRun({a_}).code(), StatusCode::kNotFound);
}

// The run's own files.
class RunFilesTest : public CocoRunTest {
 protected:
  RunFilesTest() {
    PutMiniModel(folder_);
    model_ = LoadModel(RealFileSystem(), {.path = folder_.PathOf("mini.yaml")})
                 .value();
    facts_.command = {"cyto8"};
    fs::create_directories(out());
    fs::rename(folder_.PathOf("slides"), out() + "/slides");
  }

  std::string out() const { return folder_.PathOf("out"); }
  Status WriteRun(FileSystem& files) {
    return WriteRunFiles(files,
                         {.folder = out(), .facts = &facts_, .model = &*model_},
                         SummariesOf({a_, Failed(), b_}));
  }

  std::optional<LoadedModel> model_;
  RunFacts facts_;
};

TEST_F(RunFilesTest, RunJsonComesLast) {
  EXPECT_TRUE(WriteRun(recording_).ok());
  EXPECT_THAT(recording_.events,
              ElementsAre("+slides.csv", "+timing.csv", "+summary.md",
                          "+coco_results.json", "+run.json"));
  EXPECT_THAT(NamesIn(out()),
              ElementsAre("coco_results.json", "run.json", "slides",
                          "slides.csv", "summary.md", "timing.csv"));
  EXPECT_EQ(
      nlohmann::json::parse(TextOf(ReadBytes(out() + "/coco_results.json")))
          .size(),
      3);
}

TEST_F(RunFilesTest, OldFilesGoBeforeANewRunAndRunJsonFirst) {
  EXPECT_TRUE(RemoveRunFiles(recording_, out()).ok());  // nothing there yet.
  EXPECT_TRUE(WriteRun(RealFileSystem()).ok());
  recording_.events.clear();
  EXPECT_TRUE(RemoveRunFiles(recording_, out()).ok());
  EXPECT_EQ(recording_.events[0], "-run.json");
  EXPECT_THAT(NamesIn(out()), ElementsAre("slides"));
}

TEST_F(RunFilesTest, EachFailingCallIsToldAndLeavesNoTemporary) {
  faulty_.Disarm();
  ASSERT_TRUE(WriteRun(faulty_).ok());
  const auto calls = static_cast<int64_t>(faulty_.calls().size());
  ASSERT_GT(calls, 30);
  for (int64_t i = 0; i < calls; ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    ASSERT_TRUE(RemoveRunFiles(RealFileSystem(), out()).ok());
    faulty_.Arm({.index = i, .error_number = ENOSPC});
    EXPECT_EQ(WriteRun(faulty_).code(), StatusCode::kResourceExhausted);
    for (const std::string& name : NamesIn(out())) {
      EXPECT_EQ(name.find(".tmp-"), std::string::npos) << name;
    }
    // Only where nothing but the sync of the folder failed is it there.
    if (fs::exists(out() + "/run.json")) {
      EXPECT_TRUE(
          nlohmann::json::accept(TextOf(ReadBytes(out() + "/run.json"))));
    }
    EXPECT_EQ(faulty_.open_files(), 0);
  }
  faulty_.Disarm();
}

}  // namespace
}  // namespace cyto8
