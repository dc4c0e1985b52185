// SPDX-License-Identifier: Apache-2.0
// The one door to oneDNN: float32 NHWC operators as prepared primitives. No
// oneDNN type or exception passes it. Anything oneDNN would do by its own
// reference loops is refused, so that our naive kernel does it instead. Tested
// by tests/detector/runtime/onednn_adapter_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/activation.h"
#include "base/status.h"
#include "detector/kernels/conv2d_f32.h"
#include "detector/kernels/packed_bytes.h"
#include "detector/kernels/pool_f32.h"
#include "detector/kernels/squeeze_excite_f32_fast.h"

namespace cyto8 {

class OneDnnPrimitive;

// The memory of one call.
struct OneDnnOperands {
  const float* src = nullptr;
  float* dst = nullptr;
  std::byte* scratch = nullptr;
  const float* addend = nullptr;  // only for ConvAddend::kSeparate.
  // Null: the primitive's own. Else as many as packed_weights() has, read in
  // every run.
  const float* weights = nullptr;
};

// What a convolution adds to its result.
enum class ConvAddend {
  kNone,
  kInPlace,   // what dst holds before.
  kSeparate,  // an image of dst's shape.
};

struct ConvExtras {
  ConvAddend addend = ConvAddend::kNone;
  Activation last = Activation::kNone;  // after the sum.
  // Whether weight_runs() are wanted.
  bool scales_inputs = false;
};

// A primitive bound to the memory of one request. Not thread-safe; calls of
// different requests may run at the same time.
class OneDnnCall {
 public:
  // scratch: primitive.scratch_bytes() bytes on a cache line. All pointers
  // and the primitive must outlive the call.
  static StatusOr<OneDnnCall> Create(const OneDnnPrimitive& primitive,
                                     const float* src, float* dst,
                                     std::byte* scratch);
  static StatusOr<OneDnnCall> Create(const OneDnnPrimitive& primitive,
                                     const OneDnnOperands& operands);
  OneDnnCall(OneDnnCall&&) noexcept;
  OneDnnCall& operator=(OneDnnCall&&) noexcept;
  ~OneDnnCall();

  // kInternal if oneDNN fails.
  Status Run();

 private:
  struct State;
  explicit OneDnnCall(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A compiled operator with its packed weights. Immutable, hence thread-safe.
//
// Debian's oneDNN runs on OpenMP. Every call here holds OpenMP at one thread on
// the calling thread and then restores the caller's setting: the threads are
// the application's, one tile each, and two pools would fight for the cores.
//
// Each maker returns kUnimplemented for what oneDNN cannot do fast; the shapes
// are those that the naive kernels accept.
class OneDnnPrimitive {
 public:
  using Result = StatusOr<std::unique_ptr<const OneDnnPrimitive>>;

  // With bias (empty: none) and activation in the same pass. wei is copied in
  // oneDNN's own order, by way of `packed`. Layouts as in conv2d_f32.h,
  // depthwise_conv2d_f32.h.
  static Result Conv2d(const Conv2dShape& shape, std::span<const float> wei,
                       std::span<const float> bias,
                       const PackedLookup& packed = PackAnew(),
                       const ConvExtras& extras = {});
  static Result DepthwiseConv2d(const Conv2dShape& shape,
                                std::span<const float> wei,
                                std::span<const float> bias,
                                const PackedLookup& packed = PackAnew());
  static Result Pool(PoolKind kind, const PoolShape& shape);
  // activation(x) of `count` numbers; swish_beta as in x * sigmoid(beta * x).
  static Result Eltwise(Activation activation, float swish_beta, int64_t count);

  ~OneDnnPrimitive();

  int64_t scratch_bytes() const;
  // The weights in oneDNN's own order, and which of them belong to which input
  // channel (ScaledRun::factor): all of them, so that a convolution of scaled
  // channels is one with scaled weights. Only with ConvExtras::scales_inputs.
  std::span<const float> packed_weights() const;
  const std::vector<ScaledRun>& weight_runs() const;
  // oneDNN's name of the chosen kernel, "jit:avx2".
  const std::string& implementation() const;

  struct Impl;  // in onednn_internal.h.
  const Impl& impl() const { return *impl_; }
  explicit OneDnnPrimitive(std::unique_ptr<const Impl> impl);

 private:
  std::unique_ptr<const Impl> impl_;
};

}  // namespace cyto8
