// SPDX-License-Identifier: Apache-2.0
// Tests of app/input_list.h: what is found in folders, friendly and hostile.
#include "app/input_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class InputListTest : public testing::Test {
 protected:
  void Put(const std::string& name) {
    fs::create_directories(fs::path(folder_.PathOf(name)).parent_path());
    folder_.Put(name, "x");
  }
  std::vector<std::string> PathsOf(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const std::string& name : names) {
      paths.push_back(name.empty() ? folder_.path() : folder_.PathOf(name));
    }
    return paths;
  }
  StatusOr<InputList> List(const std::vector<std::string>& names,
                           const InputListOptions& options = {}) {
    return ListInputs(files_, PathsOf(names), options);
  }
  // Below the test's folder.
  std::vector<std::string> Images(const std::vector<std::string>& names,
                                  const InputListOptions& options = {}) {
    std::vector<std::string> images = List(names, options).value().images;
    for (std::string& image : images) {
      image = image.substr(folder_.path().size() + 1);
    }
    return images;
  }

  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(InputListTest, FilesAreTakenAsTheyAre) {
  Put("b.txt");
  EXPECT_THAT(Images({"b.txt", "a.png"}), ElementsAre("b.txt", "a.png"));
  EXPECT_THAT(
      ListInputs(files_, std::vector<std::string>{"no/such", ""}, {})->images,
      ElementsAre("no/such", ""));
}

TEST_F(InputListTest, FoldersAreWalkedInTheOrderOfTheirBytes) {
  for (const char* name : {"d/b.png", "d/B.png", "d/a/z.jpg", "d/a-b.png",
                           "d/a.png", "d/c/d/e.tiff"}) {
    Put(name);
  }
  Put("x.png");
  EXPECT_THAT(Images({"x.png", "d"}),
              ElementsAre("x.png", "d/B.png", "d/a-b.png", "d/a.png",
                          "d/a/z.jpg", "d/b.png", "d/c/d/e.tiff"));
  EXPECT_THAT(Images({"d/c/", "x.png"}), ElementsAre("d/c/d/e.tiff", "x.png"));
}

TEST_F(InputListTest, ExtensionsDecideInAnyCase) {
  for (const char* name :
       {"a.jpg", "b.JPEG", "c.jpe", "d.PnG", "e.tif", "f.TIFF", "g.svs",
        "h.txt", "i", "j.png.bak", "k.SVS", ".l.png", "m.", "png"}) {
    Put(name);
  }
  EXPECT_THAT(Images({""}), ElementsAre("a.jpg", "b.JPEG", "c.jpe", "d.PnG",
                                        "e.tif", "f.TIFF", "g.svs", "k.SVS"));
  const InputList list = List({""}).value();
  EXPECT_THAT(list.left_out, ElementsAre(Pair("", 2), Pair(".", 1),
                                         Pair(".bak", 1), Pair(".txt", 1)));
  EXPECT_EQ(DescribeLeftOut(list),
            "left out: 2 without extension, 1 ., 1 .bak, 1 .txt");
}

TEST_F(InputListTest, HiddenNamesAreGivenOnlyByHand) {
  Put(".h.png");
  Put(".d/a.png");
  EXPECT_THAT(Images({""}), IsEmpty());
  EXPECT_THAT(Images({".h.png", ".d"}), ElementsAre(".h.png", ".d/a.png"));
}

TEST_F(InputListTest, NamesAreBytes) {
  const std::string longest = std::string(251, 'n') + ".png";
  const std::vector<std::string> names = {"\n.png", "\xff\xfe.png",
                                          "a\\b\"c'.png", longest};
  for (const std::string& name : names) Put("d\n/" + name);
  EXPECT_THAT(Images({"d\n"}),
              ElementsAre("d\n/\n.png", "d\n/a\\b\"c'.png", "d\n/" + longest,
                          "d\n/\xff\xfe.png"));
}

TEST_F(InputListTest, LinksToFilesAreTakenAndLinksToFoldersAreNot) {
  Put("real/a.png");
  Put("d/b.png");
  fs::create_symlink("../real/a.png", folder_.PathOf("d/link.png"));
  fs::create_symlink("nowhere", folder_.PathOf("d/broken.png"));
  fs::create_symlink("nowhere", folder_.PathOf("d/broken.txt"));
  fs::create_directory_symlink("../real", folder_.PathOf("d/folder"));
  fs::create_directory_symlink("..", folder_.PathOf("d/loop.png"));
  fs::create_symlink("self.png", folder_.PathOf("d/self.png"));
  EXPECT_THAT(Images({"d"}), ElementsAre("d/b.png", "d/broken.png",
                                         "d/link.png", "d/self.png"));
  EXPECT_THAT(Images({"d/folder"}), ElementsAre("d/folder/a.png"));
}

TEST_F(InputListTest, OtherThingsThanFilesAreLeftOut) {
  fs::create_directory(folder_.PathOf("folder.png"));
  ASSERT_EQ(mkfifo(folder_.PathOf("pipe.png").c_str(), 0600), 0);
  EXPECT_THAT(Images({""}), IsEmpty());
  EXPECT_THAT(List({""})->left_out, ElementsAre(Pair(".png", 1)));
}

TEST_F(InputListTest, TheOutputFolderIsPassedOver) {
  Put("a.png");
  Put("out/slides/a-0/overlay.jpg");
  EXPECT_THAT(Images({""}, {.output = folder_.PathOf("out")}),
              ElementsAre("a.png"));
  EXPECT_THAT(Images({""}, {.output = folder_.PathOf("x/../out/")}),
              ElementsAre("a.png"));
  fs::create_directory_symlink(folder_.PathOf("out"), folder_.PathOf("link"));
  EXPECT_THAT(Images({""}, {.output = folder_.PathOf("link")}),
              ElementsAre("a.png"));
  EXPECT_THAT(Images({""}), ElementsAre("a.png", "out/slides/a-0/overlay.jpg"));
}

TEST_F(InputListTest, ImagesMayLieInTheOutputFolderItself) {
  Put("d/a.png");
  Put("d/slides/a-0/overlay.jpg");
  Put("d/report/x.png");
  Put("d/more/slides/b.png");
  EXPECT_THAT(Images({"d"}, {.output = folder_.PathOf("d")}),
              ElementsAre("d/a.png", "d/more/slides/b.png"));
}

TEST_F(InputListTest, AFileGivenTwiceIsRefused) {
  Put("d/a.png");
  const std::string path = folder_.PathOf("d/a.png");
  const auto refusal = [&](const std::vector<std::string>& names) {
    return List(names).status().message();
  };
  EXPECT_EQ(refusal({"d/a.png", "d/a.png"}), path + ": is given twice");
  EXPECT_EQ(refusal({"d", "d/a.png"}), path + ": is given twice");
  EXPECT_EQ(refusal({"d", "d"}), path + ": is given twice");
  EXPECT_EQ(refusal({"d", ""}), path + ": is given twice");
  EXPECT_EQ(refusal({"d/a.png", "d/../d/./a.png"}),
            folder_.PathOf("d/../d/./a.png") + ": is given twice");
  EXPECT_EQ(refusal({"no.png", "no.png"}),
            folder_.PathOf("no.png") + ": is given twice");
}

TEST_F(InputListTest, NumberAndDepthAreBounded) {
  Put("d/a.png");
  Put("d/b.png");
  Put("d/1/2/c.png");
  EXPECT_EQ(List({"d"}, {.limits = {.max_images = 2}}).status().message(),
            "number of images = 3: must be in [0, 2]");
  EXPECT_EQ(List({"d/a.png", "d/b.png"}, {.limits = {.max_images = 1}})
                .status()
                .message(),
            "number of images = 2: must be in [1, 1]");
  const InputList list =
      List({"d"}, {.limits = {.max_folder_depth = 1}}).value();
  EXPECT_EQ(list.images.size(), 2);
  ASSERT_EQ(list.unreadable.size(), 1);
  EXPECT_EQ(list.unreadable[0].message(),
            folder_.PathOf("d/1/2/") + ": depth = 2: must be in [0, 1]");
}

TEST_F(InputListTest, AFolderThatCannotBeListedIsTold) {
  Put("d/a.png");
  Put("d/sub/b.png");
  files_.Arm(
      {.kind = FileCall::kListDirectory, .index = 1, .error_number = EACCES});
  const InputList list = List({"d"}).value();
  EXPECT_THAT(list.images, ElementsAre(folder_.PathOf("d/a.png")));
  ASSERT_EQ(list.unreadable.size(), 1);
  EXPECT_EQ(list.unreadable[0].message(),
            folder_.PathOf("d/sub/") + ": Permission denied");
}

TEST_F(InputListTest, ManyKindsAreSummedUp) {
  InputList list;
  EXPECT_EQ(DescribeLeftOut(list), "");
  for (char c = 'a'; c < 'l'; ++c) list.left_out[std::string(".") + c] = 1;
  list.left_out["." + std::string(200, 'x')] = 5;
  EXPECT_EQ(DescribeLeftOut(list),
            "left out: 1 .a, 1 .b, 1 .c, 1 .d, 1 .e, 1 .f, 1 .g, 1 .h, 8 "
            "others");
}

}  // namespace
}  // namespace cyto8
