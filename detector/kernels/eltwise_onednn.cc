// SPDX-License-Identifier: Apache-2.0
// Element-wise activations by oneDNN; see onednn_adapter.h.
#include <utility>

#include "detector/kernels/onednn_adapter.h"
#include "detector/kernels/onednn_internal.h"

namespace cyto8 {
namespace {

OneDnnPrimitive::Result MakeEltwise(const onednn::EltwiseKind& kind,
                                    int64_t count) {
  using dnnl::memory;
  std::unique_ptr<OneDnnPrimitive::Impl> impl = onednn::NewImpl();
  const memory::desc line({count}, memory::data_type::f32,
                          memory::format_tag::x);
  const dnnl::eltwise_forward::desc eltwise(dnnl::prop_kind::forward_inference,
                                            kind.algorithm, line, kind.alpha,
                                            kind.beta);
  const dnnl::eltwise_forward::primitive_desc desc(
      eltwise, onednn::Attributes(), impl->engine);
  CYTO8_RETURN_IF_ERROR(onednn::Describe(desc, *impl));
  impl->primitive = dnnl::eltwise_forward(desc);
  return std::make_unique<const OneDnnPrimitive>(std::move(impl));
}

}  // namespace

OneDnnPrimitive::Result OneDnnPrimitive::Eltwise(Activation activation,
                                                 float swish_beta,
                                                 int64_t count) {
  const auto kind = onednn::KindOf(activation, swish_beta);
  if (!kind) return InvalidArgument("activation = none: must be a function");
  return onednn::Guarded([&]() -> Result { return MakeEltwise(*kind, count); });
}

}  // namespace cyto8
