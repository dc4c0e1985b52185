// SPDX-License-Identifier: Apache-2.0
// Area resampling by OpenCV; see resample.h.
#include "tiling/resample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <string>
#include <utility>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

// OpenCV's headers have no read-only matrix; neither caller writes through it.
cv::Mat MatOf(const ImageView& view) {
  return cv::Mat(static_cast<int>(view.height_px),
                 static_cast<int>(view.width_px), CV_8UC3,
                 const_cast<uint8_t*>(view.data),
                 static_cast<size_t>(view.stride_bytes));
}

cv::Mat MatOf(Image& image) {
  return cv::Mat(static_cast<int>(image.height_px()),
                 static_cast<int>(image.width_px()), CV_8UC3,
                 image.MutableRow(0));
}

Status StatusOfException(const cv::Exception& error) {
  std::string message =
      std::string("OpenCV could not resample: ") + error.what();
  if (error.code == cv::Error::StsNoMem) {
    return ResourceExhausted(std::move(message));
  }
  return Internal(std::move(message));
}

}  // namespace

StatusOr<int64_t> ResampledSide(int64_t side_px, double mpp_from, double mpp_to,
                                const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("side_px", side_px, 1, limits.max_side_px));
  CYTO8_RETURN_IF_ERROR(CheckRange("mpp_from", mpp_from, kMinMpp, kMaxMpp));
  CYTO8_RETURN_IF_ERROR(CheckRange("mpp_to", mpp_to, kMinMpp, kMaxMpp));
  const double exact = static_cast<double>(side_px) * mpp_from / mpp_to;
  // Within 2^63: the side and both scales have been bounded.
  const int64_t rounded = static_cast<int64_t>(std::nearbyint(exact));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("resampled side_px", rounded, 0, limits.max_side_px));
  return std::max<int64_t>(rounded, 1);
}

StatusOr<Image> ResampleArea(const ImageView& src, int64_t width_px,
                             int64_t height_px, const Limits& limits) {
  CYTO8_ENSURE(limits.max_side_px <= std::numeric_limits<int>::max());
  CYTO8_RETURN_IF_ERROR(CheckImageSize(src.width_px, src.height_px, limits));
  CYTO8_ASSIGN_OR_RETURN(Image dst, Image::Create(width_px, height_px, limits));
  const cv::Mat from = MatOf(src);
  cv::Mat to = MatOf(dst);
  try {
    cv::resize(from, to, to.size(), 0, 0, cv::INTER_AREA);
  } catch (const cv::Exception& error) {
    return StatusOfException(error);
  }
  CYTO8_ENSURE(to.data == dst.MutableRow(0));
  return dst;
}

}  // namespace cyto8
