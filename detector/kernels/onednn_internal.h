// SPDX-License-Identifier: Apache-2.0
// What the files of the oneDNN adapter share; nobody else may include it (or
// dnnl.hpp). See onednn_adapter.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/activation.h"
#include "base/status.h"
#include "detector/kernels/onednn_adapter.h"
#include "dnnl.hpp"

namespace cyto8 {

struct OneDnnPrimitive::Impl {
  dnnl::engine engine;
  dnnl::primitive primitive;
  dnnl::memory::desc src;
  dnnl::memory::desc dst;
  dnnl::memory::desc scratch;
  std::shared_ptr<const PackedBytes> packed;  // what weights lie in.
  std::optional<dnnl::memory> weights;
  std::vector<ScaledRun> weight_runs;
  int addend_argument = 0;  // 0: none.
  std::optional<dnnl::memory> bias;
  std::string implementation;
};

namespace onednn {

// Holds OpenMP at one thread on the calling thread.
class SingleThreadScope {
 public:
  SingleThreadScope();
  ~SingleThreadScope();
  SingleThreadScope(const SingleThreadScope&) = delete;
  SingleThreadScope& operator=(const SingleThreadScope&) = delete;

 private:
  int threads_before_;
};

// kUnimplemented, kResourceExhausted or kInternal.
Status FromError(const dnnl::error& error);

// Runs a function that returns Status or StatusOr with OpenMP at one thread;
// oneDNN's exceptions end here.
template <typename Function>
auto Guarded(const Function& function) -> decltype(function()) {
  const SingleThreadScope single_thread;
  try {
    return function();
  } catch (const dnnl::error& error) {
    return FromError(error);
  }
}

// The scratch belongs to the caller; arithmetic is plain float32 whatever the
// environment says.
dnnl::primitive_attr Attributes();

// A float32 image in NHWC order; oneDNN names dimensions in NCHW order.
dnnl::memory::desc Nhwc(const dnnl::memory::dims& nchw);

// Padding behind the last pixel that a window reads, 0 where a stride leaves
// pixels unread.
struct WindowAxis {
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_before = 0;
};
int64_t PadAfter(const WindowAxis& axis);

struct EltwiseKind {
  dnnl::algorithm algorithm;
  float alpha;
  float beta;
};
// No value for kNone.
std::optional<EltwiseKind> KindOf(Activation activation, float swish_beta);

// An Impl without a primitive yet, on the CPU.
std::unique_ptr<OneDnnPrimitive::Impl> NewImpl();

// Fills impl from the description; kUnimplemented if only oneDNN's reference
// loops can do it.
template <typename PrimitiveDesc>
Status Describe(const PrimitiveDesc& desc, OneDnnPrimitive::Impl& impl) {
  impl.implementation = desc.impl_info_str();
  if (impl.implementation.starts_with("ref")) {
    return Unimplemented("oneDNN: no fast kernel, only " + impl.implementation);
  }
  impl.src = desc.src_desc();
  impl.dst = desc.dst_desc();
  impl.scratch = desc.scratchpad_desc();
  return OkStatus();
}

}  // namespace onednn
}  // namespace cyto8
