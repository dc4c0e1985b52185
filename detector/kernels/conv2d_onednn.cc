// SPDX-License-Identifier: Apache-2.0
// Dense and depthwise convolution by oneDNN; see onednn_adapter.h.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"
#include "detector/kernels/onednn_adapter.h"
#include "detector/kernels/onednn_internal.h"

namespace cyto8 {
namespace {

using dnnl::memory;

// Depthwise is a convolution of `groups` groups of one channel each.
memory::dims WeightDims(const Conv2dShape& shape, bool depthwise) {
  if (depthwise) {
    return {shape.in_channels, 1, 1, shape.kernel_height, shape.kernel_width};
  }
  return {shape.out_channels, shape.in_channels, shape.kernel_height,
          shape.kernel_width};
}

void Append(Activation activation, dnnl::post_ops& post_ops) {
  const auto kind = onednn::KindOf(activation, /*swish_beta=*/1);
  if (!kind) return;
  post_ops.append_eltwise(/*scale=*/1, kind->algorithm, kind->alpha,
                          kind->beta);
}

// Activation, sum, activation. Returns which argument the addend is.
int Append(Activation first, const ConvExtras& extras, const memory::desc& dst,
           dnnl::post_ops& post_ops) {
  int addend = 0;
  Append(first, post_ops);
  if (extras.addend == ConvAddend::kInPlace) post_ops.append_sum();
  if (extras.addend == ConvAddend::kSeparate) {
    addend = DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len()) | DNNL_ARG_SRC_1;
    post_ops.append_binary(dnnl::algorithm::binary_add, dst);
  }
  Append(extras.last, post_ops);
  return addend;
}

dnnl::convolution_forward::desc ConvDesc(const Conv2dShape& s,
                                         const memory::desc& wei,
                                         const memory::desc& bias) {
  const int64_t pad_bottom = onednn::PadAfter({.in = s.in_height,
                                               .out = s.out_height,
                                               .kernel = s.kernel_height,
                                               .stride = s.stride_y,
                                               .dilation = s.dilation_y,
                                               .pad_before = s.pad_top});
  const int64_t pad_right = onednn::PadAfter({.in = s.in_width,
                                              .out = s.out_width,
                                              .kernel = s.kernel_width,
                                              .stride = s.stride_x,
                                              .dilation = s.dilation_x,
                                              .pad_before = s.pad_left});
  return {dnnl::prop_kind::forward_inference,
          dnnl::algorithm::convolution_direct,
          onednn::Nhwc({s.batch, s.in_channels, s.in_height, s.in_width}),
          wei,
          bias,
          onednn::Nhwc({s.batch, s.out_channels, s.out_height, s.out_width}),
          {s.stride_y, s.stride_x},
          {s.dilation_y - 1, s.dilation_x - 1},
          {s.pad_top, s.pad_left},
          {pad_bottom, pad_right}};
}

// A name that two layouts share only if they are the same.
std::string LayoutName(const memory::desc& desc) {
  const dnnl_memory_desc_t& d = desc.data;
  const dnnl_blocking_desc_t& blocking = d.format_desc.blocking;
  std::string name = "onednn " + std::to_string(d.data_type) + " " +
                     std::to_string(d.format_kind) + " " +
                     std::to_string(d.extra.flags);
  const auto add = [&](const dnnl_dim_t* numbers, int count) {
    name += ",";
    for (int i = 0; i < count; ++i) name += " " + std::to_string(numbers[i]);
  };
  add(d.dims, d.ndims);
  add(d.padded_dims, d.ndims);
  add(blocking.strides, d.ndims);
  add(blocking.inner_blks, blocking.inner_nblks);
  add(blocking.inner_idxs, blocking.inner_nblks);
  return name;
}

// From TensorFlow's order to the one that the primitive asks for.
Status Pack(const dnnl::engine& engine, std::span<const float> wei,
            const memory::desc& plain, const memory::desc& wanted,
            const PackedLookup& lookup, OneDnnPrimitive::Impl& impl) {
  const auto pack = [&](std::span<std::byte> dst) {
    memory source(plain, engine, const_cast<float*>(wei.data()));  // only read.
    memory packed(wanted, engine, dst.data());
    dnnl::stream stream(engine);
    dnnl::reorder(source, packed).execute(stream, source, packed);
    stream.wait();
    return OkStatus();
  };
  CYTO8_ASSIGN_OR_RETURN(impl.packed,
                         lookup(LayoutName(wanted),
                                static_cast<int64_t>(wanted.get_size()), pack));
  // Only read, too.
  impl.weights = memory(wanted, engine,
                        const_cast<std::byte*>(impl.packed->bytes().data()));
  return OkStatus();
}

memory CopiedBias(const dnnl::engine& engine, std::span<const float> bias,
                  const memory::desc& desc) {
  memory copy(desc, engine);
  std::memcpy(copy.get_data_handle(), bias.data(), bias.size_bytes());
  return copy;
}

Status CheckOperands(const Conv2dShape& shape, int64_t out_per_in,
                     std::span<const float> wei, std::span<const float> bias) {
  CYTO8_RETURN_IF_ERROR(CheckConv2dShape(shape));
  CYTO8_RETURN_IF_ERROR(CheckSize("wei", wei.size(),
                                  {shape.kernel_height, shape.kernel_width,
                                   shape.in_channels, out_per_in}));
  if (bias.empty()) return OkStatus();
  return CheckSize("bias", bias.size(), {shape.out_channels});
}

// Packs numbers that say which input channel they stand for, and reads off
// where they went. What oneDNN adds as padding is 0 and may be scaled by
// anything.
Status FindRuns(const Conv2dShape& shape, const memory::desc& plain,
                const memory::desc& wanted, OneDnnPrimitive::Impl& impl) {
  CYTO8_RETURN_IF_ERROR(CheckRange("packed weights, bytes",
                                   static_cast<int64_t>(wanted.get_size()), 0,
                                   int64_t{1} << 30));
  const int64_t taps = shape.kernel_height * shape.kernel_width;
  std::vector<float> channels;
  channels.reserve(
      static_cast<size_t>(taps * shape.in_channels * shape.out_channels));
  for (int64_t i = 0; i < taps * shape.in_channels; ++i) {
    channels.insert(channels.end(), static_cast<size_t>(shape.out_channels),
                    static_cast<float>(i % shape.in_channels + 1));
  }
  OneDnnPrimitive::Impl marked;
  CYTO8_RETURN_IF_ERROR(
      Pack(impl.engine, channels, plain, wanted, PackAnew(), marked));
  const auto* const packed =
      reinterpret_cast<const float*>(marked.packed->bytes().data());
  const auto count = static_cast<int32_t>(wanted.get_size() / sizeof(float));
  std::vector<ScaledRun>& runs = impl.weight_runs;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t factor = static_cast<int32_t>(packed[i]) - 1;
    const bool same =
        !runs.empty() && (factor < 0 || factor == runs.back().factor);
    if (!same) runs.push_back({i, i, std::max(factor, 0)});
    runs.back().end = i + 1;
  }
  return OkStatus();
}

// oneDNN 2.6.3 adds the wrong numbers where it has only its matrix product
// (CPUs before AVX2); seen with DNNL_MAX_CPU_ISA=AVX.
Status CheckAddend(ConvAddend addend, const std::string& implementation) {
  if (addend != ConvAddend::kSeparate ||
      implementation.find("gemm") == std::string::npos) {
    return OkStatus();
  }
  return Unimplemented("oneDNN: " + implementation + " adds images wrongly");
}

OneDnnPrimitive::Result MakeConv(const Conv2dShape& shape, bool depthwise,
                                 std::span<const float> wei,
                                 std::span<const float> bias,
                                 const PackedLookup& packed,
                                 const ConvExtras& extras) {
  using Tag = memory::format_tag;
  constexpr auto kF32 = memory::data_type::f32;
  std::unique_ptr<OneDnnPrimitive::Impl> impl = onednn::NewImpl();
  const memory::dims dims = WeightDims(shape, depthwise);
  const memory::desc bias_desc =
      bias.empty() ? memory::desc()
                   : memory::desc({shape.out_channels}, kF32, Tag::x);
  const dnnl::convolution_forward::desc conv =
      ConvDesc(shape, memory::desc(dims, kF32, Tag::any), bias_desc);
  dnnl::post_ops post_ops;
  impl->addend_argument = Append(shape.activation, extras,
                                 memory::desc(conv.data.dst_desc), post_ops);
  dnnl::primitive_attr attributes = onednn::Attributes();
  attributes.set_post_ops(post_ops);
  const dnnl::convolution_forward::primitive_desc desc(conv, attributes,
                                                       impl->engine);
  CYTO8_RETURN_IF_ERROR(onednn::Describe(desc, *impl));
  CYTO8_RETURN_IF_ERROR(CheckAddend(extras.addend, impl->implementation));
  const memory::desc plain(dims, kF32, depthwise ? Tag::hwigo : Tag::hwio);
  CYTO8_RETURN_IF_ERROR(
      Pack(impl->engine, wei, plain, desc.weights_desc(), packed, *impl));
  if (extras.scales_inputs) {
    CYTO8_RETURN_IF_ERROR(FindRuns(shape, plain, desc.weights_desc(), *impl));
  }
  if (!bias.empty()) {
    impl->bias = CopiedBias(impl->engine, bias, bias_desc);
  }
  impl->primitive = dnnl::convolution_forward(desc);
  return std::make_unique<const OneDnnPrimitive>(std::move(impl));
}

}  // namespace

OneDnnPrimitive::Result OneDnnPrimitive::Conv2d(const Conv2dShape& shape,
                                                std::span<const float> wei,
                                                std::span<const float> bias,
                                                const PackedLookup& packed,
                                                const ConvExtras& extras) {
  CYTO8_RETURN_IF_ERROR(CheckOperands(shape, shape.out_channels, wei, bias));
  return onednn::Guarded([&]() -> Result {
    return MakeConv(shape, /*depthwise=*/false, wei, bias, packed, extras);
  });
}

OneDnnPrimitive::Result OneDnnPrimitive::DepthwiseConv2d(
    const Conv2dShape& shape, std::span<const float> wei,
    std::span<const float> bias, const PackedLookup& packed) {
  CYTO8_RETURN_IF_ERROR(CheckOperands(shape, /*out_per_in=*/1, wei, bias));
  return onednn::Guarded([&]() -> Result {
    return MakeConv(shape, /*depthwise=*/true, wei, bias, packed, {});
  });
}

}  // namespace cyto8
