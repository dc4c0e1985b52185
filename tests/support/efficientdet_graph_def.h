// SPDX-License-Identifier: Apache-2.0
// Network-only EfficientDet graphs of google/automl's structure with seeded
// random weights, as TensorFlow would export them: placeholder `input` to the
// raw class and box outputs. The structure is that of efficientdet.md, sections
// 1, 2 and 5. Test code only.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/graph_def_builder.h"

namespace cyto8 {

enum class ActivationSpelling {
  kSwishIdentityN,  // Sigmoid + Mul, with an IdentityN around the pair.
  kSwishNative,     // Sigmoid + Mul.
  kSwishFunction,   // a call of the library function swish_f32.
  kHardSwish,       // x * Relu6(x + 3) / 6.
  kRelu,
  kRelu6,
};
enum class FusionSpelling {
  kFastAttention,  // one scalar weight per edge.
  kSum,
};

// The defaults are D0.
struct EfficientDetGraphOptions {
  double width = 1.0;  // of the backbone.
  double depth = 1.0;
  int64_t image_height = 512;
  int64_t image_width = 512;
  int64_t batch = 1;
  int64_t classes = 90;
  int64_t min_level = 3;
  int64_t max_level = 7;
  int64_t fpn_filters = 64;
  int64_t fpn_cells = 3;
  int64_t head_repeats = 3;
  bool separable = true;  // convolutions of BiFPN and heads.
  bool squeeze_excite = true;
  ActivationSpelling activation = ActivationSpelling::kSwishIdentityN;
  FusionSpelling fusion = FusionSpelling::kFastAttention;
  bool add_n = false;  // one AddN per fusion instead of a chain of AddV2.
  std::string batch_norm = "FusedBatchNormV3";  // or V2, or FusedBatchNorm.
  uint32_t seed = 1;
};

// efficientdet-d0 .. d2 (section 1).
EfficientDetGraphOptions EfficientDetPhi(int phi);

// All operators of a D0 at 128 px with few channels: 0.1 s in the naive engine.
EfficientDetGraphOptions MiniEfficientDetGraphOptions();

GraphDefBuilder EfficientDetGraphDef(const EfficientDetGraphOptions& options);
GraphDefBuilder MiniEfficientDet();

}  // namespace cyto8
