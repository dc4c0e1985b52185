// SPDX-License-Identifier: Apache-2.0
// Pooling by oneDNN; see onednn_adapter.h.
#include <utility>

#include "detector/kernels/onednn_adapter.h"
#include "detector/kernels/onednn_internal.h"

namespace cyto8 {
namespace {

OneDnnPrimitive::Result MakePool(PoolKind kind, const PoolShape& s) {
  std::unique_ptr<OneDnnPrimitive::Impl> impl = onednn::NewImpl();
  const int64_t pad_bottom = onednn::PadAfter({.in = s.in_height,
                                               .out = s.out_height,
                                               .kernel = s.kernel_height,
                                               .stride = s.stride_y,
                                               .pad_before = s.pad_top});
  const int64_t pad_right = onednn::PadAfter({.in = s.in_width,
                                              .out = s.out_width,
                                              .kernel = s.kernel_width,
                                              .stride = s.stride_x,
                                              .pad_before = s.pad_left});
  const dnnl::pooling_forward::desc pool(
      dnnl::prop_kind::forward_inference,
      kind == PoolKind::kMax ? dnnl::algorithm::pooling_max
                             : dnnl::algorithm::pooling_avg_exclude_padding,
      onednn::Nhwc({s.batch, s.channels, s.in_height, s.in_width}),
      onednn::Nhwc({s.batch, s.channels, s.out_height, s.out_width}),
      {s.stride_y, s.stride_x}, {s.kernel_height, s.kernel_width},
      {s.pad_top, s.pad_left}, {pad_bottom, pad_right});
  const dnnl::pooling_forward::primitive_desc desc(pool, onednn::Attributes(),
                                                   impl->engine);
  CYTO8_RETURN_IF_ERROR(onednn::Describe(desc, *impl));
  impl->primitive = dnnl::pooling_forward(desc);
  return std::make_unique<const OneDnnPrimitive>(std::move(impl));
}

}  // namespace

OneDnnPrimitive::Result OneDnnPrimitive::Pool(PoolKind kind,
                                              const PoolShape& shape) {
  return onednn::Guarded([&]() -> Result { return MakePool(kind, shape); });
}

}  // namespace cyto8
