// SPDX-License-Identifier: Apache-2.0
// Primitives bound to memory, threads and errors; see onednn_adapter.h. The
// operators are in conv2d_onednn.cc, pool_onednn.cc and eltwise_onednn.cc.
#include "detector/kernels/onednn_adapter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "detector/kernels/onednn_internal.h"

// The two functions of the OpenMP standard that are needed. omp.h belongs to
// the compiler, and clang's is the one of another runtime than oneDNN's.
extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int count);
}

namespace cyto8 {
namespace onednn {

SingleThreadScope::SingleThreadScope()
    : threads_before_(omp_get_max_threads()) {
  if (threads_before_ != 1) omp_set_num_threads(1);
}

SingleThreadScope::~SingleThreadScope() {
  if (threads_before_ != 1) omp_set_num_threads(threads_before_);
}

Status FromError(const dnnl::error& error) {
  const std::string message = std::string("oneDNN: ") + error.what();
  switch (error.status) {
    case dnnl_unimplemented:
      return Unimplemented(message);
    case dnnl_out_of_memory:
      return ResourceExhausted(message);
    default:
      return Internal(message);
  }
}

dnnl::primitive_attr Attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
  return attributes;
}

dnnl::memory::desc Nhwc(const dnnl::memory::dims& nchw) {
  return {nchw, dnnl::memory::data_type::f32, dnnl::memory::format_tag::nhwc};
}

int64_t PadAfter(const WindowAxis& axis) {
  const int64_t reach =
      (axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
  return std::max<int64_t>(reach - axis.pad_before - axis.in, 0);
}

std::unique_ptr<OneDnnPrimitive::Impl> NewImpl() {
  auto impl = std::make_unique<OneDnnPrimitive::Impl>();
  impl->engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
  return impl;
}

std::optional<EltwiseKind> KindOf(Activation activation, float swish_beta) {
  using dnnl::algorithm;
  switch (activation) {
    case Activation::kNone:
      return std::nullopt;
    case Activation::kRelu:
      return EltwiseKind{algorithm::eltwise_relu, 0, 0};
    case Activation::kRelu6:
      return EltwiseKind{algorithm::eltwise_clip, 0, 6};
    case Activation::kSwish:
      return EltwiseKind{algorithm::eltwise_swish, swish_beta, 0};
    case Activation::kHardSwish:
      return EltwiseKind{algorithm::eltwise_hardswish, 0, 0};
    case Activation::kSigmoid:
      return EltwiseKind{algorithm::eltwise_logistic, 0, 0};
  }
  return std::nullopt;
}

}  // namespace onednn

OneDnnPrimitive::OneDnnPrimitive(std::unique_ptr<const Impl> impl)
    : impl_(std::move(impl)) {}
OneDnnPrimitive::~OneDnnPrimitive() = default;

int64_t OneDnnPrimitive::scratch_bytes() const {
  return static_cast<int64_t>(impl_->scratch.get_size());
}

std::span<const float> OneDnnPrimitive::packed_weights() const {
  const auto bytes = impl_->packed->bytes();
  return {reinterpret_cast<const float*>(bytes.data()),
          bytes.size() / sizeof(float)};
}

const std::vector<ScaledRun>& OneDnnPrimitive::weight_runs() const {
  return impl_->weight_runs;
}

const std::string& OneDnnPrimitive::implementation() const {
  return impl_->implementation;
}

// The argument list is made once; Run only hands it over.
struct OneDnnCall::State {
  dnnl::primitive primitive;
  dnnl::stream stream;
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;

  void AddArgument(int index, dnnl::memory memory) {
    arguments.push_back({index, memory.get()});
    memories.push_back(std::move(memory));
  }
};

OneDnnCall::OneDnnCall(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
OneDnnCall::OneDnnCall(OneDnnCall&&) noexcept = default;
OneDnnCall& OneDnnCall::operator=(OneDnnCall&&) noexcept = default;
OneDnnCall::~OneDnnCall() = default;

StatusOr<OneDnnCall> OneDnnCall::Create(const OneDnnPrimitive& primitive,
                                        const float* src, float* dst,
                                        std::byte* scratch) {
  return Create(primitive, {.src = src, .dst = dst, .scratch = scratch});
}

StatusOr<OneDnnCall> OneDnnCall::Create(const OneDnnPrimitive& primitive,
                                        const OneDnnOperands& operands) {
  const OneDnnPrimitive::Impl& impl = primitive.impl();
  return onednn::Guarded([&]() -> StatusOr<OneDnnCall> {
    auto state = std::make_unique<State>();
    state->primitive = impl.primitive;
    state->stream = dnnl::stream(impl.engine);
    // oneDNN's handles are never const; a source is only read.
    const auto memory = [&](const dnnl::memory::desc& desc, const void* data) {
      return dnnl::memory(desc, impl.engine, const_cast<void*>(data));
    };
    state->AddArgument(DNNL_ARG_SRC, memory(impl.src, operands.src));
    state->AddArgument(DNNL_ARG_DST, memory(impl.dst, operands.dst));
    state->AddArgument(DNNL_ARG_SCRATCHPAD,
                       memory(impl.scratch, operands.scratch));
    if (impl.addend_argument != 0) {
      state->AddArgument(impl.addend_argument,
                         memory(impl.dst, operands.addend));
    }
    if (operands.weights != nullptr) {
      state->AddArgument(DNNL_ARG_WEIGHTS,
                         memory(impl.weights->get_desc(), operands.weights));
    } else if (impl.weights) {
      state->AddArgument(DNNL_ARG_WEIGHTS, *impl.weights);
    }
    if (impl.bias) state->AddArgument(DNNL_ARG_BIAS, *impl.bias);
    return OneDnnCall(std::move(state));
  });
}

// The C function: dnnl.hpp's execute() would build the argument list anew.
Status OneDnnCall::Run() {
  const onednn::SingleThreadScope single_thread;
  const dnnl_status_t status = dnnl_primitive_execute(
      state_->primitive.get(), state_->stream.get(),
      static_cast<int>(state_->arguments.size()), state_->arguments.data());
  if (status == dnnl_success) return OkStatus();
  return Internal("oneDNN: execution failed with status " +
                  std::to_string(static_cast<int>(status)));
}

}  // namespace cyto8
