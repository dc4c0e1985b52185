// SPDX-License-Identifier: Apache-2.0
// The search over oneDNN's implementations; see network_yardstick.h. Calls
// dnnl.hpp itself, so that nothing of ours stands between.
#include "bench/network_yardstick.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/measure.h"
#include "dnnl.hpp"
#include "oneapi/dnnl/dnnl_debug.h"

namespace cyto8 {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using PrimitiveDesc = dnnl::convolution_forward::primitive_desc;

using DataType = memory::data_type;

struct Types {
  DataType src, wei, dst;
  std::string text;  // in front of an implementation's name.
};

std::vector<Types> TypesOf(YardstickType type) {
  if (type == YardstickType::kF32) {
    return {{DataType::f32, DataType::f32, DataType::f32, ""}};
  }
  return {{DataType::u8, DataType::s8, DataType::u8, "u8 "},
          {DataType::s8, DataType::s8, DataType::u8, "s8 "}};
}

int64_t PadAfter(int64_t in, int64_t out, int64_t kernel, int64_t stride,
                 int64_t dilation, int64_t before) {
  const int64_t reach = (out - 1) * stride + (kernel - 1) * dilation + 1;
  return std::max<int64_t>(reach - before - in, 0);
}

dnnl::primitive_attr Attributes(const Conv2dShape& shape, YardstickType type) {
  const Activation activation = shape.activation;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
  if (type == YardstickType::kInt8) {
    constexpr int kPerOutputChannel = 1 << 1;
    attributes.set_output_scales(
        kPerOutputChannel,
        std::vector<float>(static_cast<size_t>(shape.out_channels), 1e-3f));
  }
  dnnl::post_ops post_ops;
  if (activation == Activation::kSwish) {
    post_ops.append_eltwise(1, dnnl::algorithm::eltwise_swish, 1, 0);
  } else if (activation == Activation::kRelu) {
    post_ops.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
  } else if (activation == Activation::kRelu6) {
    post_ops.append_eltwise(1, dnnl::algorithm::eltwise_clip, 0, 6);
  }
  attributes.set_post_ops(post_ops);
  return attributes;
}

dnnl::convolution_forward::desc Description(const Conv2dShape& s,
                                            bool depthwise, const Types& types,
                                            Tag tag) {
  const memory::dims wei =
      depthwise
          ? memory::dims{s.in_channels, 1, 1, s.kernel_height, s.kernel_width}
          : memory::dims{s.out_channels, s.in_channels, s.kernel_height,
                         s.kernel_width};
  return {dnnl::prop_kind::forward_inference,
          dnnl::algorithm::convolution_direct,
          memory::desc({s.batch, s.in_channels, s.in_height, s.in_width},
                       types.src, tag),
          memory::desc(wei, types.wei, Tag::any),
          memory::desc({s.out_channels}, DataType::f32, Tag::x),
          memory::desc({s.batch, s.out_channels, s.out_height, s.out_width},
                       types.dst, tag),
          {s.stride_y, s.stride_x},
          {s.dilation_y - 1, s.dilation_x - 1},
          {s.pad_top, s.pad_left},
          {PadAfter(s.in_height, s.out_height, s.kernel_height, s.stride_y,
                    s.dilation_y, s.pad_top),
           PadAfter(s.in_width, s.out_width, s.kernel_width, s.stride_x,
                    s.dilation_x, s.pad_left)}};
}

// Memory of ordinary numbers: denormals would be slow.
memory Filled(const memory::desc& desc, const dnnl::engine& engine) {
  memory filled(desc, engine);
  auto* numbers = static_cast<float*>(filled.get_data_handle());
  const size_t count = desc.get_size() / sizeof(float);
  for (size_t i = 0; i < count; ++i) {
    numbers[i] = static_cast<float>(static_cast<int>(i % 17) - 8) / 32;
  }
  return filled;
}

}  // namespace

// Numbers of the usual size, since denormals would be slow.
void Fill(std::vector<float>& numbers, int64_t at_least) {
  for (auto i = std::ssize(numbers); i < at_least; ++i) {
    numbers.push_back(static_cast<float>(i % 17 - 8) / 32);
  }
}

void YardstickMemory::MakeRoomFor(const Conv2dShape& s) {
  constexpr int64_t kBlock = 64;  // the widest block of channels.
  const auto padded = [](int64_t channels) {
    return (channels + kBlock - 1) / kBlock * kBlock;
  };
  Fill(src, s.batch * s.in_height * s.in_width * padded(s.in_channels));
  Fill(dst, s.batch * s.out_height * s.out_width * padded(s.out_channels));
}

struct ConvYardstick::State {
  explicit State(dnnl::engine cpu) : engine(std::move(cpu)) {}

  dnnl::engine engine;
  dnnl::stream stream{engine};
  std::string implementation;
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;

  void Use(const PrimitiveDesc& desc, YardstickMemory& operands) {
    primitive = dnnl::convolution_forward(desc);
    arguments = {
        {DNNL_ARG_SRC, memory(desc.src_desc(), engine, operands.src.data())},
        {DNNL_ARG_WEIGHTS, Filled(desc.weights_desc(), engine)},
        {DNNL_ARG_BIAS, Filled(desc.bias_desc(), engine)},
        {DNNL_ARG_DST, memory(desc.dst_desc(), engine, operands.dst.data())},
        {DNNL_ARG_SCRATCHPAD, memory(desc.scratchpad_desc(), engine)}};
  }
  double Run() {
    const double start = ThreadNow();
    primitive.execute(stream, arguments);
    stream.wait();
    return ThreadNow() - start;
  }
  double Best(int runs) {
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < runs; ++i) best = std::min(best, Run());
    return best;
  }
};

ConvYardstick::ConvYardstick(const Conv2dShape& shape, bool depthwise,
                             YardstickType type, YardstickMemory& memory) {
  constexpr int kRuns = 7;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const dnnl::primitive_attr attributes = Attributes(shape, type);
  double best = std::numeric_limits<double>::infinity();
  for (const Types& types : TypesOf(type)) {
    for (const Tag tag : {Tag::nhwc, Tag::any}) {
      PrimitiveDesc desc(Description(shape, depthwise, types, tag), attributes,
                         engine);
      do {
        const std::string name = desc.impl_info_str();
        if (name.starts_with("ref")) continue;
        auto candidate = std::make_unique<State>(engine);
        candidate->Use(desc, memory);
        candidate->implementation = types.text + name;
        const double seconds = candidate->Best(kRuns);
        if (seconds >= best) continue;
        best = seconds;
        state_ = std::move(candidate);
      } while (desc.next_impl());
    }
  }
}

ConvYardstick::ConvYardstick(ConvYardstick&&) noexcept = default;
ConvYardstick::~ConvYardstick() = default;

double ConvYardstick::Seconds() {
  state_->Run();
  state_->Run();
  double seconds[] = {state_->Run(), state_->Run(), state_->Run()};
  std::sort(std::begin(seconds), std::end(seconds));
  return seconds[1];
}

const std::string& ConvYardstick::implementation() const {
  return state_->implementation;
}

bool ForbidAmx() {
  return dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx512_core_bf16) ==
         dnnl::status::success;
}

std::string OneDnnText() {
  const dnnl_version_t* version = dnnl_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) +
         "." + std::to_string(version->patch) + ", " +
         dnnl_cpu_isa2str(dnnl_get_effective_cpu_isa());
}

}  // namespace cyto8
