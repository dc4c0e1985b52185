// SPDX-License-Identifier: Apache-2.0
// See onednn_step.h.
#include "detector/runtime/onednn_step.h"

#include <memory>
#include <utility>

namespace cyto8 {

MaybeStep OneDnnStep(OneDnnPrimitive::Result made) {
  if (made.status().code() == StatusCode::kUnimplemented) {
    return NotMine();
  }
  CYTO8_RETURN_IF_ERROR(made.status());
  const std::shared_ptr<const OneDnnPrimitive> primitive = *std::move(made);
  auto bind = [primitive](StepBuffers b) -> StatusOr<StepCall> {
    CYTO8_ASSIGN_OR_RETURN(
        OneDnnCall call,
        OneDnnCall::Create(*primitive, b.In<float>(0).data(),
                           b.Out<float>().data(), b.scratch.data()));
    // Shared only because std::function wants to be copyable.
    auto shared = std::make_shared<OneDnnCall>(std::move(call));
    return StepCall([shared](ParallelFor&) { return shared->Run(); });
  };
  return Step{.reads = {0},
              .scratch_bytes = primitive->scratch_bytes(),
              .bind = std::move(bind)};
}

}  // namespace cyto8
