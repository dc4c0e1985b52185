// SPDX-License-Identifier: Apache-2.0
// promises.md P9: what tells that work is done is whole or not believed. Twenty
// images are scored, then each state.json, each candidates.bin and the run.json
// are cut at every byte: no cut file is accepted.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "app/candidate_file.h"
#include "app/eval_run_folder.h"
#include "app/score_command.h"
#include "tests/app/app_fixture.h"
#include "tests/app/result_tree.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

class PromiseP9 : public testing::Test {
 protected:
  static constexpr int kImages = 20;

  PromiseP9() {
    PutQuickModel(folder_);
    ScoreRequest request;
    ScoreSettings& settings = request.resolved.settings;
    for (int i = 0; i < kImages; ++i) {
      const std::string name = std::to_string(i) + ".png";
      PutPng(folder_, name, MakeTestImage(20 + i, 30).view());
      request.images.push_back(folder_.PathOf(name));
    }
    settings.input.model = folder_.PathOf("quick.cy8");
    settings.output.output = folder_.PathOf("out");
    settings.input.mpp = 0.5;
    settings.postprocess.min_score = 0.8;
    settings.tiling.overlap_px = 32;
    settings.run.quiet = true;
    settings.run.threads = 1;
    const Outcome outcome =
        Caught([&] { return RunScore(RealFileSystem(), request); });
    EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  }

  // Of every image.
  std::vector<std::string> Folders() const {
    std::vector<std::string> folders;
    for (const auto& folder :
         fs::directory_iterator(folder_.PathOf("out/slides"))) {
      folders.push_back(folder.path().string());
    }
    EXPECT_EQ(std::ssize(folders), kImages);
    return folders;
  }

  TemporaryFolder folder_;
};

// How often a file is accepted that is cut by `least` bytes or more.
int64_t WrongAccepts(const std::string& path, uintmax_t least,
                     const std::function<bool()>& accepts) {
  EXPECT_TRUE(accepts()) << path;
  const uintmax_t whole = fs::file_size(path);
  int64_t wrong = 0;
  for (uintmax_t size = whole - least + 1; size-- > 0;) {
    fs::resize_file(path, size);
    wrong += accepts() ? 1 : 0;
  }
  return wrong;
}

// Its line end apart, which nothing is lost with.
TEST_F(PromiseP9, NoCutStateIsBelieved) {
  for (const std::string& folder : Folders()) {
    const auto accepts = [&] {
      return ReadSlideState(RealFileSystem(), folder, {.id = LastName(folder)})
          .ok();
    };
    EXPECT_EQ(WrongAccepts(folder + "/state.json", 2, accepts), 0);
  }
}

TEST_F(PromiseP9, NoCutCandidatesAreBelieved) {
  for (const std::string& folder : Folders()) {
    const std::string path = folder + "/candidates.bin";
    const auto accepts = [&] {
      return CandidateReader::Open(RealFileSystem(), path, Limits()).ok();
    };
    EXPECT_EQ(WrongAccepts(path, 1, accepts), 0);
  }
}

TEST_F(PromiseP9, NoCutManifestIsBelieved) {
  const std::string path = folder_.PathOf("out/run.json");
  const auto accepts = [&] {
    return ParseRunManifest(ReadBytes(path), Limits()).ok();
  };
  EXPECT_EQ(WrongAccepts(path, 2, accepts), 0);
}

// Any other file of an image shows by its size and hash.
TEST_F(PromiseP9, NoImageWithACutFileCountsAsDone) {
  const std::string folder = Folders().front();
  const SlideState state = VerifiedState(folder).value();
  EXPECT_EQ(state.files.size(), 7);
  for (const WrittenFile& file : state.files) {
    const std::string path = folder + "/" + file.name;
    const std::string whole(TextOf(ReadBytes(path)));
    EXPECT_EQ(WrongAccepts(path, 1, [&] { return VerifiedState(folder).ok(); }),
              0);
    folder_.Put(path.substr(folder_.path().size() + 1), whole);
  }
}

}  // namespace
}  // namespace cyto8
