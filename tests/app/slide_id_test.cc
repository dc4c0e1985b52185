// SPDX-License-Identifier: Apache-2.0
// Tests of app/slide_id.h.
#include "app/slide_id.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

using Paths = std::vector<std::string>;

TEST(RelativeToCommonFolderTest, DropsWhatAllPathsShare) {
  EXPECT_EQ(RelativeToCommonFolder(Paths{"/a/b/x.jpg", "/a/c/x.jpg"}),
            (Paths{"b/x.jpg", "c/x.jpg"}));
  EXPECT_EQ(RelativeToCommonFolder(Paths{"a/x.jpg", "a/b/y.jpg"}),
            (Paths{"x.jpg", "b/y.jpg"}));
  EXPECT_EQ(RelativeToCommonFolder(Paths{"/deep/down/x.jpg"}),
            (Paths{"x.jpg"}));
  EXPECT_EQ(RelativeToCommonFolder(Paths{"x.jpg", "y.jpg"}),
            (Paths{"x.jpg", "y.jpg"}));
  EXPECT_EQ(RelativeToCommonFolder(Paths{}), Paths{});
}

TEST(RelativeToCommonFolderTest, DotsAreResolved) {
  EXPECT_EQ(RelativeToCommonFolder(Paths{"./a/../b/x.jpg", "b/./y.jpg"}),
            (Paths{"x.jpg", "y.jpg"}));
  EXPECT_EQ(RelativeToCommonFolder(Paths{"../../x.jpg"}), (Paths{"x.jpg"}));
  EXPECT_NE(RelativeToCommonFolder(Paths{"../a.jpg", "a.jpg"})[0],
            RelativeToCommonFolder(Paths{"../a.jpg", "a.jpg"})[1]);
}

TEST(SlideIdTest, IsStemAndShortHash) {
  // printf x.jpg | sha256sum
  EXPECT_EQ(SlideId("x.jpg").value(), "x-8f3c0b84");
  EXPECT_NE(SlideId("a/x.jpg").value(), SlideId("b/x.jpg").value());
}

TEST(SlideIdTest, HostileNamesBecomePlainOnes) {
  for (const std::string name :
       {"..", "../../etc/passwd", "a\nb.jpg", "%s%n.jpg", "-rf.jpg",
        "a b;c.jpg", "\xff\xfe.jpg"}) {
    const std::string id = SlideId(name).value();
    EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789._-"),
              std::string::npos)
        << id;
    EXPECT_EQ(id.find('/'), std::string::npos);
    EXPECT_GE(id.size(), 9);
  }
}

TEST(SlideIdTest, LongNamesAreCutButStayDifferent) {
  const std::string stem(300, 'x');
  EXPECT_EQ(SlideId(stem + "1.jpg")->size(), 89);
  EXPECT_NE(SlideId(stem + "1.jpg").value(), SlideId(stem + "2.jpg").value());
}

TEST(HashedImageIdTest, IsTheFirst52BitsOfTheHash) {
  // printf x.jpg | sha256sum | head -c 13
  EXPECT_EQ(HashedImageId("x.jpg").value(), 0x8f3c0b8403ec9);
  EXPECT_LT(HashedImageId("y.jpg").value(), int64_t{1} << 52);
}

}  // namespace
}  // namespace cyto8
