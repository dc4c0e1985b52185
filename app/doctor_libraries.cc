// SPDX-License-Identifier: Apache-2.0
// What the linked libraries say of themselves; see doctor_probe.h.
#include <dnnl.h>
#include <openslide/openslide.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <png.h>
#include <tbb/version.h>
#include <tiffio.h>
#include <zlib.h>

#include <opencv2/core/utility.hpp>
#include <opencv2/core/version.hpp>
#include <string_view>

#include "app/doctor_probe.h"

namespace cyto8 {
namespace {

std::string Dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." +
         std::to_string(patch);
}

// The first run of digits and points.
std::string NumberIn(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  const size_t begin = text.find_first_of(kDigits);
  if (begin == std::string_view::npos) return "unknown";
  const size_t end = text.find_first_not_of("0123456789.", begin);
  return std::string(text.substr(begin, end - begin));
}

}  // namespace

std::vector<LibraryFacts> LinkedLibraries() {
  const dnnl_version_t& dnnl = *dnnl_version();
  return {
      {"oneDNN",
       Dotted(DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, DNNL_VERSION_PATCH),
       Dotted(dnnl.major, dnnl.minor, dnnl.patch)},
      {"oneTBB", NumberIn(TBB_VERSION_STRING), NumberIn(TBB_runtime_version())},
      {"OpenCV", NumberIn(CV_VERSION), NumberIn(cv::getVersionString())},
      // Its headers do not say.
      {"OpenSlide", openslide_get_version(), openslide_get_version()},
      {"libtiff", NumberIn(TIFFLIB_VERSION_STR), NumberIn(TIFFGetVersion())},
      {"libpng", PNG_LIBPNG_VER_STRING, png_get_libpng_ver(nullptr)},
      {"zlib", NumberIn(ZLIB_VERSION), NumberIn(zlibVersion())},
      {"OpenSSL", OPENSSL_VERSION_STR,
       NumberIn(OpenSSL_version(OPENSSL_VERSION_STRING))}};
}

std::string OneDnnPath() {
  switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41:
      return "SSE4.1";
    case dnnl_cpu_isa_avx:
      return "AVX";
    case dnnl_cpu_isa_avx2:
      return "AVX2";
    case dnnl_cpu_isa_avx2_vnni:
      return "AVX2 with VNNI";
    case dnnl_cpu_isa_avx512_core:
      return "AVX-512";
    case dnnl_cpu_isa_avx512_core_vnni:
      return "AVX-512 with VNNI";
    case dnnl_cpu_isa_avx512_core_bf16:
      return "AVX-512 with VNNI and BF16";
    case dnnl_cpu_isa_avx512_core_amx:
      return "AVX-512 with AMX";
    default:
      return "no vector instructions that are known here";
  }
}

}  // namespace cyto8
