// SPDX-License-Identifier: Apache-2.0
// promises.md P11 for images and slides: the i-th allocation fails, for every
// i, be it ours or that of a library, once or with all that follow. What may
// come of it: kResourceExhausted that starts with the path; std::bad_alloc,
// which row_source.h and slide_reader.h allow to leave and which
// app/score_pipeline.cc turns into that status of the slide; or the same pixels
// and facts as ever, where the library can do without. Never another error,
// which would blame the file, other pixels, or a leak; and what was open can be
// read again. OpenSlide is left out but for our part of it: glib ends a process
// that is out of memory, and only --isolate helps.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/failing_allocations.h"
#include "tests/support/image_encoding.h"
#include "tests/support/kfb_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/tiling/slide_sources.h"
#include "tiling/image_opener.h"
#include "tiling/image_reader.h"
#include "tiling/kfb_associated.h"
#include "tiling/kfb_slide.h"
#include "tiling/openslide_reader.h"
#include "tiling/slide_tiles.h"
#include "tiling/tiff_pyramid.h"

namespace cyto8 {
namespace {

// Of everything that a piece of work has seen.
class Digest {
 public:
  void Add(int64_t value) {
    for (int shift = 0; shift < 64; shift += 8) {
      AddByte(static_cast<uint8_t>(value >> shift));
    }
  }
  void Add(const std::string& text) {
    for (const char c : text) AddByte(static_cast<uint8_t>(c));
    Add(std::ssize(text));
  }
  void Add(const ImageView& view) {
    Add(view.width_px);
    for (int64_t y = 0; y < view.height_px; ++y) {
      for (int64_t i = 0; i < 3 * view.width_px; ++i) AddByte(view.Row(y)[i]);
    }
  }
  uint64_t value() const { return value_; }

 private:
  void AddByte(uint8_t byte) { value_ = (value_ ^ byte) * 1099511628211U; }

  uint64_t value_ = 14695981039346656037U;
};

void AddFacts(const SlideInfo& info, Digest& digest) {
  digest.Add(info.format);
  digest.Add(info.mpp_source);
  digest.Add(static_cast<int64_t>(info.um_per_px.value_or(0) * 1e6));
  digest.Add(static_cast<int64_t>(info.magnification.value_or(0) * 1e6));
  digest.Add(info.focal_planes);
  for (const SlideLevel& level : info.levels) {
    digest.Add(level.width_px);
    digest.Add(level.height_px);
  }
  for (const std::string& name : info.associated) digest.Add(name);
}

using Work = std::function<Status(Digest&)>;

struct Outcome {
  enum Kind { kDone, kStatus, kThrown } kind = kDone;
  Status status;
  uint64_t digest = 0;
};

Outcome Run(const Work& work) {
  Outcome outcome;
  try {
    Digest digest;
    outcome.status = work(digest);
    outcome.digest = digest.value();
    if (!outcome.status.ok()) outcome.kind = Outcome::kStatus;
  } catch (const std::bad_alloc&) {
    outcome.kind = Outcome::kThrown;
  }
  return outcome;
}

testing::AssertionResult IsAllowed(const Outcome& outcome, uint64_t expected,
                                   const std::string& path) {
  const Status& status = outcome.status;
  switch (outcome.kind) {
    case Outcome::kThrown:
      return testing::AssertionSuccess();
    case Outcome::kDone:
      if (outcome.digest == expected) return testing::AssertionSuccess();
      return testing::AssertionFailure() << "other pixels or facts";
    case Outcome::kStatus:
      break;
  }
  if (status.code() == StatusCode::kResourceExhausted &&
      status.message().starts_with(path + ": ")) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << status.ToString();
}

// What is made once in a program, also by the first exception, is made.
void ThrowOnce() {
  Run([](Digest&) -> Status {
    std::once_flag once;
    std::call_once(once, [] { throw std::bad_alloc(); });
    return OkStatus();
  });
}

struct Survival {
  Allocations kind = Allocations::kAll;
  // Blocks that a library loses where an allocation of its own fails.
  int64_t lost = 0;
};

// Every allocation of the work fails once, then it alone with all behind it.
void ExpectSurvives(const Work& work, const std::string& path,
                    const Survival& survival = {}) {
  Run(work);
  ThrowOnce();
  const Outcome good = Run(work);
  ASSERT_TRUE(good.status.ok()) << good.status.ToString();
  for (const bool lasting : {false, true}) {
    int64_t failures = 0;
    for (bool failed = true; failed; ++failures) {
      const int64_t held = HeldAllocations();
      {
        Outcome outcome;
        {
          const FailingAllocations failing(survival.kind, failures, lasting);
          outcome = Run(work);
          failed = failing.failed();
        }
        EXPECT_TRUE(IsAllowed(outcome, good.digest, path))
            << "allocation " << failures << ", lasting " << lasting;
      }
      EXPECT_LE(HeldAllocations() - held, survival.lost)
          << "allocation " << failures;
      EXPECT_EQ(Run(work).digest, good.digest) << "allocation " << failures;
    }
    EXPECT_GT(failures, 1);
  }
}

class OneImage {
 public:
  explicit OneImage(const Bytes& bytes) {
    folder_.Put("image",
                {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  const std::string& path() const { return path_; }

 private:
  TemporaryFolder folder_;
  std::string path_ = folder_.PathOf("image");
};

Status AddBlock(SlideReader& slide, const BlockId& block, Digest& digest) {
  CYTO8_ASSIGN_OR_RETURN(const Image image, slide.ReadBlock(block));
  digest.Add(image.view());
  return OkStatus();
}

Status AddRows(RowSource& rows, Digest& digest) {
  CYTO8_ASSIGN_OR_RETURN(const Image image, ReadAllRows(rows, {}));
  digest.Add(image.view());
  return OkStatus();
}

Status OpenAndRead(const std::string& path, Digest& digest) {
  CYTO8_ASSIGN_OR_RETURN(const OpenedImage image,
                         OpenImage(RealFileSystem(), path, {}));
  if (image.rows) return AddRows(*image.rows, digest);
  AddFacts(image.slide->info(), digest);
  for (int64_t i = 0; i < std::ssize(image.slide->info().levels); ++i) {
    CYTO8_RETURN_IF_ERROR(AddBlock(*image.slide, {.level = i}, digest));
  }
  return OkStatus();
}

// Not by OpenImage, which asks OpenSlide of a TIFF that is no slide.
void ExpectRows(const Bytes& bytes, int64_t lost = 0) {
  const OneImage image(bytes);
  ExpectSurvives(
      [&](Digest& digest) -> Status {
        CYTO8_ASSIGN_OR_RETURN(const auto rows,
                               OpenRows(RealFileSystem(), image.path(), {}));
        return AddRows(*rows, digest);
      },
      image.path(), {.lost = lost});
}

void ExpectOpens(const Bytes& bytes, int64_t lost = 0) {
  const OneImage image(bytes);
  ExpectSurvives(
      [&](Digest& digest) { return OpenAndRead(image.path(), digest); },
      image.path(), {.lost = lost});
}

// An open slide goes on.
void ExpectReads(const Bytes& bytes) {
  const OneImage file(bytes);
  const StatusOr<OpenedImage> image =
      OpenImage(RealFileSystem(), file.path(), {});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  SlideReader& slide = *image->slide;
  ExpectSurvives([&](Digest& digest) { return AddBlock(slide, {}, digest); },
                 file.path());
  const auto tile = [&](Digest& digest) -> Status {
    CYTO8_ASSIGN_OR_RETURN(
        const auto tiles,
        SlideTiles::Create(slide, {.um_per_px = 0.4, .target_um_per_px = 0.5}));
    CYTO8_ASSIGN_OR_RETURN(const Image pixels, tiles->Read({2, 1, 12, 9}));
    digest.Add(pixels.view());
    return OkStatus();
  };
  ExpectSurvives(tile, file.path());
  const auto tiles = SlideTiles::Create(
      slide, {.um_per_px = 0.5, .target_um_per_px = 0.5, .cache_bytes = 0});
  ASSERT_TRUE(tiles.ok()) << tiles.status().ToString();
  ExpectSurvives(
      [&](Digest& digest) -> Status {
        CYTO8_ASSIGN_OR_RETURN(const Image pixels,
                               (*tiles)->Read({2, 1, 9, 9}));
        digest.Add(pixels.view());
        return OkStatus();
      },
      file.path());
}

// libtiff 4.5.0 loses its list of fields where that cannot grow, which it does
// for LZW alone.
int64_t LostBy(int compression) { return compression == kTiffLzw ? 1 : 0; }

Bytes SmallSvs() {
  return EncodeTiff({Described(JpegTiles(20, 16), kAperioDescription),
                     Described(JpegTiles(10, 8), kAperioDescription)});
}

Bytes SmallTiff(int compression) {
  return EncodeTiff({Tiles(20, 16, compression), Tiles(10, 8, compression)});
}

Bytes SmallKfb() {
  KfbSource source = KfbWithPictures(20, 16);
  source.label = source.tiles[0].picture;
  return EncodeKfb(source);
}

TEST(PromiseP11, SlidesAreOpenedOrOutOfMemory) {
  ExpectOpens(SmallSvs());
  for (const int compression : {kTiffNone, kTiffLzw, kTiffDeflate}) {
    ExpectOpens(SmallTiff(compression), LostBy(compression));
  }
  ExpectOpens(SmallKfb());
}

TEST(PromiseP11, AnOpenSlideOutlivesTheLackOfMemory) {
  ExpectReads(SmallSvs());
  ExpectReads(SmallTiff(kTiffDeflate));
  ExpectReads(SmallKfb());
}

TEST(PromiseP11, RowsAreReadOrOutOfMemory) {
  const Image image = MakeTestImage(20, 16);
  ExpectRows(EncodeJpeg(image.view()));
  ExpectRows(EncodeJpeg(image.view(), {.progressive = true}));
  ExpectRows(EncodePng(image.view()));
  PngSource interlaced = {.width_px = 20, .height_px = 16, .interlaced = true};
  interlaced.rows.resize(20 * 16 * 3, 77);
  ExpectRows(EncodePng(interlaced));
  TiffSource strips = Strips(20, 16);
  for (const int compression :
       {kTiffNone, kTiffLzw, kTiffDeflate, kTiffPackBits, kTiffJpeg}) {
    strips.compression = compression;
    ExpectRows(EncodeTiff(strips), LostBy(compression));
  }
  strips.separate = true;
  ExpectRows(EncodeTiff(strips));
}

TEST(PromiseP11, AnImageBesideASlideIsReadOrOutOfMemory) {
  const OneImage image(SmallKfb());
  ExpectSurvives(
      [&](Digest& digest) -> Status {
        CYTO8_ASSIGN_OR_RETURN(
            const Image label,
            ReadKfbAssociated(RealFileSystem(), image.path(), "label", {}));
        digest.Add(label.view());
        return OkStatus();
      },
      image.path());
}

// Our part of it; every handle that is taken comes back.
TEST(PromiseP11, OpenSlideLosesNoHandle) {
  const OneImage image(SmallSvs());
  ExpectSurvives(
      [&](Digest& digest) -> Status {
        CYTO8_ASSIGN_OR_RETURN(const auto slide,
                               OpenByOpenSlide(image.path(), {}));
        return AddBlock(*slide, {}, digest);
      },
      image.path(), {.kind = Allocations::kNew});
  const auto slide = OpenByOpenSlide(image.path(), {}, {.max_handles = 1});
  ASSERT_TRUE(slide.ok()) << slide.status().ToString();
  ExpectSurvives([&](Digest& digest) { return AddBlock(**slide, {}, digest); },
                 image.path(), {.kind = Allocations::kNew});
}

// Its error is whole, or memory is out: half a message names nothing.
TEST(PromiseP11, AMalformedSlideStaysMalformed) {
  using Open = StatusOr<std::unique_ptr<SlideReader>> (*)(
      FileSystem&, const std::string&, const Limits&);
  const std::pair<Bytes, Open> cases[] = {
      {SmallTiff(kTiffNone), OpenTiffPyramid},
      {SmallSvs(), OpenTiffPyramid},
      {SmallKfb(), OpenKfb}};
  for (auto [bytes, open] : cases) {
    bytes.resize(bytes.size() - 3);
    const OneImage image(bytes);
    ExpectSurvives(
        [&](Digest& digest) -> Status {
          const Status status =
              open(RealFileSystem(), image.path(), {}).status();
          if (status.code() != StatusCode::kDataLoss) return status;
          digest.Add(status.message());
          return OkStatus();
        },
        image.path());
  }
}

}  // namespace
}  // namespace cyto8
