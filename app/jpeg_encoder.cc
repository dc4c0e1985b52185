// SPDX-License-Identifier: Apache-2.0
// JPEG encoding; see jpeg_encoder.h.
#include "app/jpeg_encoder.h"

#include <turbojpeg.h>

#include <memory>
#include <type_traits>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

struct DestroyHandle {
  void operator()(void* handle) const { tjDestroy(handle); }
};
struct FreeBuffer {
  void operator()(unsigned char* buffer) const { tjFree(buffer); }
};

}  // namespace

StatusOr<std::vector<std::byte>> EncodeJpeg(const ImageView& image,
                                            int quality) {
  constexpr int64_t kMaxSide = 65'500;
  CYTO8_RETURN_IF_ERROR(CheckRange("JPEG width", image.width_px, 1, kMaxSide));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("JPEG height", image.height_px, 1, kMaxSide));
  const std::unique_ptr<void, DestroyHandle> handle(tjInitCompress());
  if (handle == nullptr) return Internal(tjGetErrorStr2(nullptr));
  unsigned char* bytes = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): turbojpeg's type.
  const int result = tjCompress2(
      handle.get(), image.data, static_cast<int>(image.width_px),
      static_cast<int>(image.stride_bytes), static_cast<int>(image.height_px),
      TJPF_RGB, &bytes, &size, TJSAMP_444, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, FreeBuffer> owner(bytes);
  if (result != 0) return Internal(tjGetErrorStr2(handle.get()));
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  return std::vector<std::byte>(begin, begin + size);
}

}  // namespace cyto8
