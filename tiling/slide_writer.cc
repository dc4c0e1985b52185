// SPDX-License-Identifier: Apache-2.0
// The choice of a writer, and what writers share; see slide_writer.h.
#include "tiling/slide_writer.h"

#include "tiling/jpeg_encoder.h"
#include "tiling/kfb_writer.h"
#include "tiling/tiff_pyramid_writer.h"

namespace cyto8 {

StatusOr<std::unique_ptr<SlideWriter>> CreateSlideWriter(
    FileSystem& files, SlideFormat format, const SlideFileOptions& options) {
  if (format == SlideFormat::kKfb) return CreateKfbWriter(files, options);
  return CreateTiffPyramidWriter(files, format == SlideFormat::kSvs, options);
}

StatusOr<std::string> PlainPicture(Rgb colour) {
  CYTO8_ASSIGN_OR_RETURN(Image picture,
                         Image::Create(kPlainWidth, kPlainHeight));
  picture.Fill(colour);
  return JpegBytes(picture.view(), {.sampling = JpegSampling::k422});
}

}  // namespace cyto8
