// SPDX-License-Identifier: Apache-2.0
// Any byte of a slide changes its hash, wherever it lies.
#include "app/slide_hash.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

class HashOfSlideTest : public testing::Test {
 protected:
  HashOfSlideTest() {
    for (const char* folder : {"m", "v", "u"}) {
      std::filesystem::create_directory(folder_.PathOf(folder));
    }
  }

  std::string HashOf(const std::string& name) const {
    const StatusOr<Sha256Digest> digest =
        HashOfSlide(RealFileSystem(), folder_.PathOf(name));
    return digest.ok() ? ToHex(*digest) : digest.status().ToString();
  }

  // Whether the content of a file shows in the hash of a slide.
  bool Shows(const std::string& file, const std::string& slide) const {
    const std::string before = HashOf(slide);
    const std::string content = folder_.Get(file);
    folder_.Put(file, content + "x");
    const bool shows = HashOf(slide) != before;
    folder_.Put(file, content);
    EXPECT_EQ(HashOf(slide), before);
    return shows;
  }

  TemporaryFolder folder_;
};

TEST_F(HashOfSlideTest, OfOneFileItIsTheFiles) {
  folder_.Put("a.svs", "abc");
  folder_.Put("a(1,0).svs", "neighbour");
  EXPECT_EQ(HashOf("a.svs"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_FALSE(Shows("a(1,0).svs", "a.svs"));
}

TEST_F(HashOfSlideTest, AnIndexBringsItsFiles) {
  for (const std::string slide : {"m.mrxs", "v.VMS", "u.vmu"}) {
    const std::string stem = slide.substr(0, 1);
    folder_.Put(slide, "index of " + slide);
    folder_.Put(stem + "/Slidedat.ini", "ini");
    folder_.Put(stem + "/Data0000.dat", "");
    folder_.Put(stem + "(1,0).jpg", "pixels");
    folder_.Put("x" + stem + ".jpg", "of nobody");
    EXPECT_TRUE(Shows(slide, slide));
    EXPECT_TRUE(Shows(stem + "/Slidedat.ini", slide));
    EXPECT_TRUE(Shows(stem + "/Data0000.dat", slide));
    EXPECT_TRUE(Shows(stem + "(1,0).jpg", slide));
    EXPECT_FALSE(Shows("x" + stem + ".jpg", slide));
  }
}

TEST_F(HashOfSlideTest, AMovedByteAndARenamedFileShow) {
  folder_.Put("m.mrxs", "index");
  folder_.Put("m/1", "ab");
  folder_.Put("m/2", "c");
  const std::string before = HashOf("m.mrxs");
  folder_.Put("m/1", "a");
  folder_.Put("m/2", "bc");
  EXPECT_NE(HashOf("m.mrxs"), before);
}

TEST_F(HashOfSlideTest, AMissingFileIsNamed) {
  EXPECT_EQ(HashOf("m.mrxs"), "NOT_FOUND: " + folder_.PathOf("m.mrxs") +
                                  ": No such file or directory");
}

}  // namespace
}  // namespace cyto8
