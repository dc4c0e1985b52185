// SPDX-License-Identifier: Apache-2.0
// The builder behind efficientdet_graph_def.h. Test code.
#include "tests/support/efficientdet_graph_def.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <vector>

namespace cyto8 {
namespace {

constexpr int64_t kAnchorsPerCell = 9;
constexpr int64_t kBoxNumbers = 4;
constexpr float kBatchNormEpsilon = 1e-3f;

// One group of repeated blocks of EfficientNet-B0.
struct BlockGroup {
  int64_t repeats, kernel, stride, expand, in, out;
};
constexpr std::array<BlockGroup, 7> kBackbone = {{{1, 3, 1, 1, 32, 16},
                                                  {2, 3, 2, 6, 16, 24},
                                                  {2, 5, 2, 6, 24, 40},
                                                  {3, 3, 2, 6, 40, 80},
                                                  {3, 5, 1, 6, 80, 112},
                                                  {4, 5, 2, 6, 112, 192},
                                                  {1, 3, 1, 6, 192, 320}}};

// A value of the network under construction.
struct Map {
  std::string name = {};
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
};

int64_t ScaledWidth(int64_t channels, double factor) {
  const double scaled = static_cast<double>(channels) * factor;
  const int64_t rounded =
      std::max<int64_t>(8, static_cast<int64_t>(scaled + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * scaled ? rounded + 8 : rounded;
}

int64_t Halved(int64_t side) { return (side + 1) / 2; }

std::string Numbered(const std::string& name, int64_t number) {
  return number == 0 ? name : name + "_" + std::to_string(number);
}

class Generator {
 public:
  explicit Generator(const EfficientDetGraphOptions& options)
      : options_(options), random_(options.seed) {}

  GraphDefBuilder Build();

 private:
  // Levels min_level .. max_level.
  using Levels = std::map<int64_t, Map>;

  std::vector<float> Uniform(int64_t count, double low, double high);
  Map ReadVariable(const std::string& name, const Shape& shape, double low,
                   double high);
  std::string Kernel(const std::string& name, const Shape& shape,
                     int64_t fan_in);

  Map Convolve(const Map& src, const std::string& scope, int64_t kernel,
               int64_t stride, int64_t channels);
  Map Depthwise(const Map& src, const std::string& scope,
                const std::string& kernel, int64_t kernel_px, int64_t stride);
  Map AddBias(const Map& src, const std::string& scope,
              const std::string& bias);
  Map Normalize(const Map& src, const std::string& scope);
  Map Activate(const Map& src, const std::string& scope);
  Map Swish(const Map& src, const std::string& scope);
  Map HardSwish(const Map& src, const std::string& scope);
  Map Unary(const std::string& op, const Map& src, const std::string& name);

  Levels Backbone(const Map& image);
  Map Block(const Map& src, const BlockGroup& group, int64_t stride,
            const std::string& scope);
  Map SqueezeExcite(const Map& src, int64_t reduced, const std::string& scope);

  void AddTopLevels(Levels& levels);
  Map Resample(const Map& src, const Map& like, const std::string& scope);
  Map Pool(const Map& src, const std::string& scope);
  Map Upsample(const Map& src, const Map& like, const std::string& scope);
  Levels Cell(const Levels& levels, int64_t cell);
  Map FusionNode(const std::vector<Map>& inputs, const Map& like,
                 const std::string& scope);
  std::vector<std::string> WeightEdges(const std::vector<Map>& inputs,
                                       const std::string& scope);
  std::string SumEdges(const std::vector<std::string>& edges,
                       const std::string& scope);

  void Head(const Levels& levels, const std::string& net,
            const std::string& layer, int64_t channels);
  // A convolution of BiFPN or head; variables under `scope`, nodes under `use`.
  Map HeadConvolution(const Map& src, const std::string& scope,
                      const std::string& use, int64_t channels);
  void AddSwishFunction();

  const EfficientDetGraphOptions& options_;
  std::mt19937 random_;
  GraphDefBuilder graph_;
  std::map<std::string, std::string> variables_;  // shared by several readers.
};

std::vector<float> Generator::Uniform(int64_t count, double low, double high) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    const double unit = static_cast<double>(random_() >> 8) * 0x1p-24;
    value = static_cast<float>(low + unit * (high - low));
  }
  return values;
}

// A frozen variable: the constant and the identity that reads it.
Map Generator::ReadVariable(const std::string& name, const Shape& shape,
                            double low, double high) {
  std::string& read = variables_[name];
  if (read.empty()) {
    graph_.Const(name, shape, Uniform(ElementCount(shape).value(), low, high));
    read = graph_.Node("Identity", name + "/read", {name})
               .Type("T", tf::DT_FLOAT)
               .name();
  }
  return {.name = read, .channels = shape.empty() ? 1 : shape.back()};
}

std::string Generator::Kernel(const std::string& name, const Shape& shape,
                              int64_t fan_in) {
  const double bound = std::sqrt(6.0 / static_cast<double>(fan_in));
  return ReadVariable(name, shape, -bound, bound).name;
}

Map Generator::Unary(const std::string& op, const Map& src,
                     const std::string& name) {
  Map dst = src;
  dst.name = graph_.Node(op, name, {src.name}).Type("T", tf::DT_FLOAT).name();
  return dst;
}

Map Generator::Convolve(const Map& src, const std::string& scope,
                        int64_t kernel, int64_t stride, int64_t channels) {
  const std::string wei =
      Kernel(scope + "/kernel", {kernel, kernel, src.channels, channels},
             kernel * kernel * src.channels);
  Map dst = src;
  dst.name = graph_.Conv2D(scope + "/Conv2D", src.name, wei, stride).name();
  dst.channels = channels;
  if (stride == 2) dst.height = Halved(src.height);
  if (stride == 2) dst.width = Halved(src.width);
  return dst;
}

Map Generator::Depthwise(const Map& src, const std::string& scope,
                         const std::string& kernel, int64_t kernel_px,
                         int64_t stride) {
  const std::string wei = Kernel(
      kernel, {kernel_px, kernel_px, src.channels, 1}, kernel_px * kernel_px);
  Map dst = src;
  dst.name = graph_.DepthwiseConv2D(scope, src.name, wei, stride).name();
  if (stride == 2) dst.height = Halved(src.height);
  if (stride == 2) dst.width = Halved(src.width);
  return dst;
}

Map Generator::AddBias(const Map& src, const std::string& scope,
                       const std::string& bias) {
  const std::string wei = ReadVariable(bias, {src.channels}, -0.1, 0.1).name;
  Map dst = src;
  dst.name = graph_.Node("BiasAdd", scope + "/BiasAdd", {src.name, wei})
                 .String("data_format", "NHWC")
                 .name();
  return dst;
}

Map Generator::Normalize(const Map& src, const std::string& scope) {
  const Shape shape = {src.channels};
  const std::vector<std::string> inputs = {
      src.name, ReadVariable(scope + "/gamma", shape, 0.8, 1.2).name,
      ReadVariable(scope + "/beta", shape, -0.1, 0.1).name,
      ReadVariable(scope + "/moving_mean", shape, -0.1, 0.1).name,
      ReadVariable(scope + "/moving_variance", shape, 0.5, 1.5).name};
  Map dst = src;
  dst.name =
      graph_
          .Node(options_.batch_norm, scope + "/" + options_.batch_norm, inputs)
          .Float("epsilon", kBatchNormEpsilon)
          .Bool("is_training", false)
          .name();
  return dst;
}

Map Generator::Swish(const Map& src, const std::string& scope) {
  Map dst = src;
  if (options_.activation == ActivationSpelling::kSwishFunction) {
    dst.name =
        graph_.Node("swish_f32", scope + "/swish_f32", {src.name}).name();
    return dst;
  }
  const Map gate = Unary("Sigmoid", src, scope + "/Sigmoid");
  dst.name = graph_.Node("Mul", scope + "/mul", {gate.name, src.name}).name();
  if (options_.activation == ActivationSpelling::kSwishNative) return dst;
  dst.name =
      graph_.Node("IdentityN", scope + "/IdentityN", {dst.name, src.name})
          .name();
  return dst;
}

Map Generator::HardSwish(const Map& src, const std::string& scope) {
  const std::string three = graph_.Const(scope + "/three", {}, {3}).name();
  const std::string six = graph_.Const(scope + "/six", {}, {6}).name();
  Map dst = src;
  dst.name = graph_.Node("AddV2", scope + "/add", {src.name, three}).name();
  dst = Unary("Relu6", dst, scope + "/Relu6");
  dst.name = graph_.Node("Mul", scope + "/mul", {src.name, dst.name}).name();
  dst.name = graph_.Node("RealDiv", scope + "/truediv", {dst.name, six}).name();
  return dst;
}

Map Generator::Activate(const Map& src, const std::string& scope) {
  switch (options_.activation) {
    case ActivationSpelling::kRelu:
      return Unary("Relu", src, scope + "/Relu");
    case ActivationSpelling::kRelu6:
      return Unary("Relu6", src, scope + "/Relu6");
    case ActivationSpelling::kHardSwish:
      return HardSwish(src, scope);
    default:
      return Swish(src, scope);
  }
}

Map Generator::SqueezeExcite(const Map& src, int64_t reduced,
                             const std::string& scope) {
  const std::string axes =
      graph_.ConstInts(scope + "/Mean/reduction_indices", {2}, {1, 2}).name();
  Map gate{.name = graph_.Node("Mean", scope + "/Mean", {src.name, axes})
                       .Bool("keep_dims", true)
                       .name(),
           .channels = src.channels,
           .height = 1,
           .width = 1};
  gate = Convolve(gate, scope + "/conv2d", 1, 1, reduced);
  gate = AddBias(gate, scope + "/conv2d", scope + "/conv2d/bias");
  gate = Activate(gate, scope);
  gate = Convolve(gate, scope + "/conv2d_1", 1, 1, src.channels);
  gate = AddBias(gate, scope + "/conv2d_1", scope + "/conv2d_1/bias");
  gate = Unary("Sigmoid", gate, scope + "/gate/Sigmoid");
  Map dst = src;
  dst.name =
      graph_.Node("Mul", scope + "/gate/mul", {gate.name, src.name}).name();
  return dst;
}

// expand, depthwise, squeeze-excite, project, residual add.
Map Generator::Block(const Map& src, const BlockGroup& group, int64_t stride,
                     const std::string& scope) {
  int64_t convolutions = 0;
  int64_t norms = 0;
  const auto normalize = [&](const Map& map) {
    return Normalize(
        map, scope + "/" + Numbered("tpu_batch_normalization", norms++));
  };
  Map map = src;
  if (group.expand != 1) {
    map = Convolve(map, scope + "/" + Numbered("conv2d", convolutions++), 1, 1,
                   src.channels * group.expand);
    map = Activate(normalize(map), scope + "/expand");
  }
  map = Depthwise(map, scope + "/depthwise_conv2d/depthwise",
                  scope + "/depthwise_conv2d/depthwise_kernel", group.kernel,
                  stride);
  map = Activate(normalize(map), scope + "/depthwise");
  if (options_.squeeze_excite) {
    map = SqueezeExcite(map, std::max<int64_t>(1, src.channels / 4),
                        scope + "/se");
  }
  map = Convolve(map, scope + "/" + Numbered("conv2d", convolutions), 1, 1,
                 group.out);
  map = Unary("Identity", normalize(map), scope + "/Identity");
  if (stride != 1 || src.channels != group.out) return map;
  map.name = graph_.Node("AddV2", scope + "/Add", {map.name, src.name}).name();
  return map;
}

Generator::Levels Generator::Backbone(const Map& image) {
  const std::string scope = "efficientnet";
  Map map = Convolve(image, scope + "/stem/conv2d", 3, 2,
                     ScaledWidth(32, options_.width));
  map = Normalize(map, scope + "/stem/tpu_batch_normalization");
  map = Activate(map, scope + "/stem");
  Levels levels;
  int64_t level = 1;
  int64_t number = 0;
  for (BlockGroup group : kBackbone) {
    group.out = ScaledWidth(group.out, options_.width);
    const auto repeats = static_cast<int64_t>(
        std::ceil(options_.depth * static_cast<double>(group.repeats)));
    for (int64_t i = 0; i < repeats; ++i) {
      const int64_t stride = i == 0 ? group.stride : 1;
      level += stride - 1;
      map = Block(map, group, stride,
                  scope + "/blocks_" + std::to_string(number++));
    }
    if (level >= options_.min_level) levels[level] = map;
  }
  return levels;
}

Map Generator::Pool(const Map& src, const std::string& scope) {
  Map dst = src;
  dst.name =
      graph_.MaxPool(scope + "/max_pooling2d/MaxPool", src.name, 3, 2).name();
  dst.height = Halved(src.height);
  dst.width = Halved(src.width);
  return dst;
}

Map Generator::Upsample(const Map& src, const Map& like,
                        const std::string& scope) {
  const std::string size = graph_
                               .ConstInts(scope + "/size", {2},
                                          {static_cast<int32_t>(like.height),
                                           static_cast<int32_t>(like.width)})
                               .name();
  Map dst = like;
  dst.channels = src.channels;
  dst.name = graph_
                 .Node("ResizeNearestNeighbor",
                       scope + "/ResizeNearestNeighbor", {src.name, size})
                 .name();
  return dst;
}

// To the channels of the pyramid and the size of `like`.
Map Generator::Resample(const Map& src, const Map& like,
                        const std::string& scope) {
  Map map = src;
  if (map.channels != options_.fpn_filters) {
    map = Convolve(map, scope + "/conv2d", 1, 1, options_.fpn_filters);
    map = AddBias(map, scope + "/conv2d", scope + "/conv2d/bias");
    map = Normalize(map, scope + "/bn");
  }
  if (map.height > like.height) return Pool(map, scope);
  if (map.height < like.height) return Upsample(map, like, scope);
  return map;
}

void Generator::AddTopLevels(Levels& levels) {
  for (int64_t level = levels.rbegin()->first + 1; level <= options_.max_level;
       ++level) {
    const Map& below = levels[level - 1];
    const Map like{.height = Halved(below.height),
                   .width = Halved(below.width)};
    levels[level] = Resample(below, like, "resample_p" + std::to_string(level));
  }
}

std::vector<std::string> Generator::WeightEdges(const std::vector<Map>& inputs,
                                                const std::string& scope) {
  std::vector<std::string> weights;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name =
        scope + "/" + Numbered("WSM", static_cast<int64_t>(i));
    const Map weight = ReadVariable(name, {}, 0.5, 1.5);
    weights.push_back(Unary("Relu", weight, name + "/Relu").name);
  }
  std::string sum = graph_.Node("AddN", scope + "/weight_sum", weights).name();
  const std::string epsilon =
      graph_.Const(scope + "/epsilon", {}, {1e-4f}).name();
  sum = graph_.Node("AddV2", scope + "/weight_sum_eps", {sum, epsilon}).name();
  std::vector<std::string> edges;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto number = static_cast<int64_t>(i);
    const std::string product =
        graph_
            .Node("Mul", scope + "/" + Numbered("mul", number),
                  {inputs[i].name, weights[i]})
            .name();
    edges.push_back(graph_
                        .Node("RealDiv",
                              scope + "/" + Numbered("truediv", number),
                              {product, sum})
                        .name());
  }
  return edges;
}

std::string Generator::SumEdges(const std::vector<std::string>& edges,
                                const std::string& scope) {
  if (options_.add_n) {
    return graph_.Node("AddN", scope + "/AddN", edges).name();
  }
  std::string sum = edges[0];
  for (size_t i = 1; i < edges.size(); ++i) {
    const std::string name =
        scope + "/add_n/" + Numbered("add", static_cast<int64_t>(i) - 1);
    sum = graph_.Node("AddV2", name, {sum, edges[i]}).name();
  }
  return sum;
}

Map Generator::FusionNode(const std::vector<Map>& inputs, const Map& like,
                          const std::string& scope) {
  std::vector<std::string> edges;
  if (options_.fusion == FusionSpelling::kFastAttention) {
    edges = WeightEdges(inputs, scope);
  } else {
    for (const Map& input : inputs) edges.push_back(input.name);
  }
  Map map = like;
  map.channels = options_.fpn_filters;
  map.name = SumEdges(edges, scope);
  const std::string after = scope + "/op_after_combine";
  map = Activate(map, after);
  map = HeadConvolution(map, after + "/conv", after + "/conv",
                        options_.fpn_filters);
  return Normalize(map, after + "/bn");
}

// Top-down, then bottom-up; a node reads all earlier nodes of its level.
Generator::Levels Generator::Cell(const Levels& levels, int64_t cell) {
  const std::string scope = "fpn_cells/cell_" + std::to_string(cell);
  std::map<int64_t, std::vector<Map>> nodes;
  for (const auto& [level, map] : levels) nodes[level] = {map};
  int64_t number = 0;
  const auto add = [&](int64_t level, std::vector<Map> sources) {
    const std::string fnode = scope + "/fnode" + std::to_string(number++);
    const Map like = levels.at(level);
    for (size_t i = 0; i < sources.size(); ++i) {
      sources[i] =
          Resample(sources[i], like, fnode + "/resample_" + std::to_string(i));
    }
    nodes[level].push_back(FusionNode(sources, like, fnode));
  };
  for (int64_t level = options_.max_level - 1; level >= options_.min_level;
       --level) {
    add(level, {nodes[level].back(), nodes[level + 1].back()});
  }
  for (int64_t level = options_.min_level + 1; level <= options_.max_level;
       ++level) {
    std::vector<Map> sources = nodes[level];
    sources.push_back(nodes[level - 1].back());
    add(level, std::move(sources));
  }
  Levels result;
  for (const auto& [level, maps] : nodes) result[level] = maps.back();
  return result;
}

Map Generator::HeadConvolution(const Map& src, const std::string& scope,
                               const std::string& use, int64_t channels) {
  Map map = src;
  if (options_.separable) {
    map = Depthwise(map, use + "/separable_conv2d/depthwise",
                    scope + "/depthwise_kernel", 3, 1);
    const std::string wei =
        Kernel(scope + "/pointwise_kernel", {1, 1, src.channels, channels},
               src.channels);
    map.name = graph_.Conv2D(use + "/separable_conv2d", map.name, wei).name();
  } else {
    const std::string wei = Kernel(
        scope + "/kernel", {3, 3, src.channels, channels}, 9 * src.channels);
    map.name = graph_.Conv2D(use + "/Conv2D", map.name, wei).name();
  }
  map.channels = channels;
  return AddBias(map, use, scope + "/bias");
}

void Generator::Head(const Levels& levels, const std::string& net,
                     const std::string& layer, int64_t channels) {
  for (const auto& [level, feature] : levels) {
    const int64_t use = level - options_.min_level;
    Map map = feature;
    for (int64_t i = 0; i < options_.head_repeats; ++i) {
      const std::string scope = net + "/" + layer + "-" + std::to_string(i);
      map = HeadConvolution(map, scope, Numbered(scope, use),
                            options_.fpn_filters);
      const std::string norm = scope + "-bn-" + std::to_string(level);
      map = Activate(Normalize(map, norm), norm);
    }
    const std::string predict = net + "/" + layer + "-predict";
    HeadConvolution(map, predict, Numbered(predict, use), channels);
  }
}

void Generator::AddSwishFunction() {
  FunctionBuilder function = graph_.Function("swish_f32");
  function.Input("features").Output("activation", "mul:z:0");
  function.Node("Sigmoid", "Sigmoid", {"features"}).Type("T", tf::DT_FLOAT);
  function.Node("Mul", "mul", {"features", "Sigmoid:y:0"})
      .Type("T", tf::DT_FLOAT);
}

GraphDefBuilder Generator::Build() {
  const Map image{
      .name = graph_
                  .Placeholder("input", {options_.batch, options_.image_height,
                                         options_.image_width, 3})
                  .name(),
      .channels = 3,
      .height = options_.image_height,
      .width = options_.image_width};
  Levels levels = Backbone(image);
  AddTopLevels(levels);
  for (int64_t cell = 0; cell < options_.fpn_cells; ++cell) {
    levels = Cell(levels, cell);
  }
  Head(levels, "class_net", "class", kAnchorsPerCell * options_.classes);
  Head(levels, "box_net", "box", kAnchorsPerCell * kBoxNumbers);
  if (options_.activation == ActivationSpelling::kSwishFunction) {
    AddSwishFunction();
  }
  graph_.SetProducer(1645);
  return std::move(graph_);
}

}  // namespace

EfficientDetGraphOptions EfficientDetPhi(int phi) {
  EfficientDetGraphOptions options;
  if (phi == 1) {
    options.depth = 1.1;
    options.image_height = options.image_width = 640;
    options.fpn_filters = 88;
    options.fpn_cells = 4;
  } else if (phi == 2) {
    options.width = 1.1;
    options.depth = 1.2;
    options.image_height = options.image_width = 768;
    options.fpn_filters = 112;
    options.fpn_cells = 5;
  }
  return options;
}

EfficientDetGraphOptions MiniEfficientDetGraphOptions() {
  return {.width = 0.25,
          .depth = 0.3,
          .image_height = 128,
          .image_width = 128,
          .classes = 3,
          .fpn_filters = 16,
          .fpn_cells = 1,
          .head_repeats = 1};
}

GraphDefBuilder EfficientDetGraphDef(const EfficientDetGraphOptions& options) {
  return Generator(options).Build();
}

GraphDefBuilder MiniEfficientDet() {
  return EfficientDetGraphDef(MiniEfficientDetGraphOptions());
}

}  // namespace cyto8
