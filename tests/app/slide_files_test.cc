// SPDX-License-Identifier: Apache-2.0
// Tests of app/slide_files.h and app/coco_run.h: which files appear and in
// which order, and every file call failing in turn.
#include "app/slide_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "app/coco_run.h"
#include "tests/app/app_fixture.h"
#include "tests/app/result_fixture.h"
#include "tests/support/faulty_file_system.h"
#include "tests/tiling/made_up_slide.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kMarker = "detections.geojson.gz";
const std::vector<std::string> kSlideNames = {
    "state.json",  kMarker,       "coco.json", "detections.csv",
    "heatmap.png", "overlay.jpg", "qc.json"};

RowReader WhiteRows() {
  return [](int64_t rows, uint8_t* dst, int64_t stride_bytes) {
    std::fill_n(dst, rows * stride_bytes, uint8_t{255});
    return OkStatus();
  };
}

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

  // Files of an earlier run, by their names.
  void PutOlder(const std::string& folder,
                const std::vector<std::string>& names) const {
    fs::create_directories(folder_.PathOf(folder));
    for (const std::string& name : names) {
      folder_.Put(folder + "/" + name, "older");
    }
  }

  // The calls that the writing makes.
  int64_t CountCalls(const std::function<Status(FileSystem&)>& write) {
    faulty_.Disarm();
    EXPECT_TRUE(write(faulty_).ok());
    return static_cast<int64_t>(faulty_.calls().size());
  }

  // What stands in the folder, oldest state first, when everything fails from
  // one call on, for each call: the order in which files come and go. Older
  // files are in brackets, temporaries left out.
  std::vector<std::string> States(
      const std::string& folder, const std::function<void()>& prepare,
      const std::function<Status(FileSystem&)>& write) {
    prepare();
    const int64_t calls = CountCalls(write);
    fs::remove_all(folder_.PathOf(folder));
    std::vector<std::string> states;
    for (int64_t i = 0; i <= calls; ++i) {
      prepare();
      faulty_.Arm({.index = i, .error_number = ENOSPC, .lasting = true});
      EXPECT_EQ(write(faulty_).ok(), i == calls) << i;
      std::string state;
      for (const std::string& name : NamesIn(folder_.PathOf(folder))) {
        if (name.find(".tmp-") != std::string::npos) continue;
        if (fs::is_directory(folder_.PathOf(folder + "/" + name))) continue;
        const bool is_older = folder_.Get(folder + "/" + name) == "older";
        state += (is_older ? "[" + name + "]" : name) + " ";
      }
      if (states.empty() || states.back() != state) states.push_back(state);
      fs::remove_all(folder_.PathOf(folder));
    }
    faulty_.Disarm();
    return states;
  }

  TemporaryFolder folder_;
  ModelCard card_ = TwoClasses();
  FaultyFileSystem faulty_{RealFileSystem()};
};

TEST_F(SlideFilesTest, TheFolderIsThatOfTheFormatsPage) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  EXPECT_THAT(NamesIn(SlideFolder("x-1")),
              ElementsAre("coco.json", "detections.csv", kMarker, "heatmap.png",
                          "overlay.jpg", "qc.json"));
  EXPECT_EQ(slide.notes, "");
}

TEST_F(SlideFilesTest, OfASlideThereIsAThumbnailToo) {
  MadeUpSlide pyramid(60, 40, [](const BlockId&, int64_t, int64_t) {
    return Rgb{.red = 200, .green = 100, .blue = 50};
  });
  pyramid.damaged = {{0, 0}};
  SlideResult slide = TwoCells();
  const SlideFilesOptions options = {.folder = SlideFolder("x-1"),
                                     .card = &card_,
                                     .heatmap = false,
                                     .thumbnail_of = &pyramid};
  ASSERT_TRUE(WriteSlideFiles(RealFileSystem(), options, slide).ok());
  EXPECT_THAT(NamesIn(SlideFolder("x-1")),
              ElementsAre("coco.json", "detections.csv", kMarker, "qc.json",
                          "thumbnail.jpg"));
  EXPECT_EQ(slide.notes, "");
  EXPECT_THAT(RecordedSlideFiles(), testing::Contains("thumbnail.jpg"));
  MadeUpSlide large(9000, 8,
                    [](const BlockId&, int64_t, int64_t) { return Rgb(); });
  SlideFilesOptions without = options;
  without.thumbnail_of = &large;
  ASSERT_TRUE(WriteSlideFiles(RealFileSystem(), without, slide).ok());
  EXPECT_FALSE(fs::exists(SlideFolder("x-1") + "/thumbnail.jpg"));
}

// Like every other file: a disk that is full means no result.
TEST_F(SlideFilesTest, WhateverCallFailsNoThumbnailStaysAlone) {
  MadeUpSlide pyramid(20, 10,
                      [](const BlockId&, int64_t, int64_t) { return Rgb(); });
  const auto write = [&](FileSystem& files) {
    SlideResult slide = TwoCells();
    return WriteSlideFiles(files,
                           {.folder = SlideFolder("x-1"),
                            .card = &card_,
                            .thumbnail_of = &pyramid},
                           slide);
  };
  const int64_t calls = CountCalls(write);
  for (int64_t i = 0; i < calls; ++i) {
    fs::remove_all(SlideFolder("x-1"));
    faulty_.Arm({.index = i, .error_number = ENOSPC});
    if (write(faulty_).ok()) continue;
    EXPECT_FALSE(fs::exists(SlideFolder("x-1") + "/thumbnail.jpg")) << i;
  }
}

// And so no state is a mixture: where the marker stands, all files are older
// or all are new.
TEST_F(SlideFilesTest, TheMarkerGoesFirstAndComesLast) {
  EXPECT_THAT(
      States(
          "slides/x-1", [&] { PutOlder("slides/x-1", kSlideNames); },
          [&](FileSystem& files) {
            SlideResult slide = TwoCells();
            return Write(files, slide);
          }),
      ElementsAre(
          "[coco.json] [detections.csv] [detections.geojson.gz] [heatmap.png] "
          "[overlay.jpg] [qc.json] [state.json] ",
          "[coco.json] [detections.csv] [detections.geojson.gz] [heatmap.png] "
          "[overlay.jpg] [qc.json] ",
          "[coco.json] [detections.csv] [heatmap.png] [overlay.jpg] [qc.json] ",
          "[coco.json] [detections.csv] [heatmap.png] [overlay.jpg] ",
          "[coco.json] [detections.csv] [heatmap.png] ",
          "[coco.json] [detections.csv] ", "[coco.json] ", "", "overlay.jpg ",
          "heatmap.png overlay.jpg ", "heatmap.png overlay.jpg qc.json ",
          "detections.csv heatmap.png overlay.jpg qc.json ",
          "coco.json detections.csv heatmap.png overlay.jpg qc.json ",
          "coco.json detections.csv detections.geojson.gz heatmap.png "
          "overlay.jpg qc.json "));
}

// Every file is synced before it gets its name, the folder before the marker
// gets its own and after it: no loss of power leaves a marker alone.
TEST_F(SlideFilesTest, CallsComeInTheOrderThatSurvivesPowerLoss) {
  SlideResult slide = TwoCells();
  CountCalls([&](FileSystem& files) { return Write(files, slide); });
  std::string order;
  for (const FileCall call : faulty_.calls()) {
    if (call == FileCall::kSync) order += "sync ";
    if (call == FileCall::kRename) order += "rename ";
  }
  EXPECT_EQ(order,
            "sync rename sync rename sync rename sync rename sync rename "
            "sync "                // the folder; before it the others.
            "sync rename sync ");  // the marker.
}

// Nor one of an earlier run beside new files.
TEST_F(SlideFilesTest, AnOldMarkerIsGoneForGoodBeforeAnythingNewComes) {
  SlideResult slide = TwoCells();
  EXPECT_TRUE(Write(RealFileSystem(), slide).ok());
  CountCalls([&](FileSystem& files) { return Write(files, slide); });
  std::string order;
  for (const FileCall call : faulty_.calls()) {
    if (call == FileCall::kRemove) order += "remove ";
    if (call == FileCall::kSync) order += "sync ";
  }
  EXPECT_TRUE(order.starts_with("remove remove sync remove ")) << order;
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
              ElementsAre("coco.json", "detections.csv", kMarker, "qc.json"));
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
  EXPECT_THAT(NamesIn(SlideFolder("x-1")),
              ElementsAre("coco.json", "detections.csv", kMarker, "heatmap.png",
                          "qc.json"));
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

TEST_F(SlideFilesTest, WithoutAResultThereAreNoFiles) {
  PutOlder("slides/x-1", kSlideNames);
  SlideResult slide = TwoCells();
  slide.counts = {.planned = 2, .failed = 2};
  EXPECT_EQ(Write(RealFileSystem(), slide).message(),
            "in/x.jpg: no tile has a result");
  EXPECT_THAT(NamesIn(SlideFolder("x-1")), IsEmpty());
}

TEST_F(SlideFilesTest, SomethingElseUnderTheNameIsAnError) {
  SlideResult slide = TwoCells();
  fs::create_directories(SlideFolder("x-1") + "/overlay.jpg/full");
  EXPECT_FALSE(Write(RealFileSystem(), slide).ok());
  EXPECT_THAT(NamesIn(SlideFolder("x-1")), ElementsAre("overlay.jpg"));
}

// Over an older result: after any single failure no file stands, neither a new
// nor an old one nor a temporary.
TEST_F(SlideFilesTest, EachFailingCallLeavesNothing) {
  SlideResult slide = TwoCells();
  PutOlder("slides/x-1", kSlideNames);
  const int64_t calls =
      CountCalls([&](FileSystem& files) { return Write(files, slide); });
  ASSERT_GT(calls, 40);
  for (int64_t i = 0; i < calls; ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    PutOlder("slides/x-1", kSlideNames);
    faulty_.Arm({.index = i, .error_number = ENOSPC});
    EXPECT_EQ(Write(faulty_, slide).code(), StatusCode::kResourceExhausted);
    EXPECT_THAT(NamesIn(SlideFolder("x-1")), IsEmpty());
    EXPECT_EQ(faulty_.open_files(), 0);
  }
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

TEST_F(CocoRunTest, AFileThatIsNotWhatWasWrittenIsAnotherRuns) {
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
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << other;
    EXPECT_EQ(status.message(), error);
  }
  fs::remove(path);
  EXPECT_EQ(StatusOfRun({a_}).code(), StatusCode::kUnavailable);
}

// The run's own files.
class RunFilesTest : public CocoRunTest {
 protected:
  RunFilesTest() {
    PutMiniModel(folder_);
    model_ = LoadModel(RealFileSystem(), {.path = folder_.PathOf("mini.yaml")})
                 .value();
    facts_.command = {"cyto8"};
    PutSlides();
  }

  // The images that the run consists of.
  void PutSlides() const {
    fs::create_directories(out());
    fs::copy(folder_.PathOf("slides"), out() + "/slides",
             fs::copy_options::recursive | fs::copy_options::skip_existing);
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
  EXPECT_TRUE(WriteRun(RealFileSystem()).ok());
  EXPECT_THAT(NamesIn(out()),
              ElementsAre("coco_results.json", "run.json", "slides",
                          "slides.csv", "summary.md", "timing.csv"));
  EXPECT_EQ(
      nlohmann::json::parse(TextOf(ReadBytes(out() + "/coco_results.json")))
          .size(),
      3);
  const std::vector<std::string> states = States(
      "out", [&] { PutSlides(); },
      [&](FileSystem& files) { return WriteRun(files); });
  EXPECT_THAT(states,
              ElementsAre("", "slides.csv ", "slides.csv timing.csv ",
                          "slides.csv summary.md timing.csv ",
                          "coco_results.json slides.csv summary.md timing.csv ",
                          "coco_results.json run.json slides.csv summary.md "
                          "timing.csv "));
}

TEST_F(RunFilesTest, OldFilesGoBeforeANewRunAndRunJsonFirst) {
  EXPECT_TRUE(RemoveRunFiles(RealFileSystem(), out()).ok());  // none yet.
  const std::vector<std::string> states = States(
      "out",
      [&] {
        PutOlder("out", {"run.json", "slides.csv", "timing.csv", "summary.md",
                         "coco_results.json"});
      },
      [&](FileSystem& files) { return RemoveRunFiles(files, out()); });
  EXPECT_THAT(states,
              ElementsAre("[coco_results.json] [run.json] [slides.csv] "
                          "[summary.md] [timing.csv] ",
                          "[coco_results.json] [slides.csv] [summary.md] "
                          "[timing.csv] ",
                          "[coco_results.json] [summary.md] [timing.csv] ",
                          "[coco_results.json] [summary.md] ",
                          "[coco_results.json] ", ""));
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
