// SPDX-License-Identifier: Apache-2.0
// Several requests of one model at the same time. Helper of the tests in this
// folder.
#pragma once

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "tests/detector/runtime/graphs.h"

namespace cyto8 {

// Runs a request of its own several times; true if every result has the bytes.
inline bool GivesBytes(const std::shared_ptr<const CompiledModel>& model,
                       const Tensor& x, const Tensor& expected) {
  InferRequest request = RequestOf(model);
  SetInput(request, 0, x);
  SerialFor executor;
  for (int run = 0; run < 5; ++run) {
    if (!request.Run(executor).ok()) return false;
    if (!std::ranges::equal(request.output(0), expected.bytes())) return false;
  }
  return true;
}

inline void ExpectSameBytesFromThreads(Engine engine) {
  const auto model = Compiled(SmallNetwork(1), engine);
  const Tensor x = RandomFloats({1, 16, 16, 3}, 7);
  const Tensor expected = RunGraph(SmallNetwork(1), engine, {x})[0];
  for (size_t threads = 1; threads <= 4; ++threads) {
    std::vector<uint8_t> same(threads, 0);
    std::vector<std::thread> workers;
    for (size_t i = 0; i < threads; ++i) {
      workers.emplace_back(
          [&, i] { same[i] = GivesBytes(model, x, expected) ? 1 : 0; });
    }
    for (std::thread& worker : workers) worker.join();
    EXPECT_EQ(same, std::vector<uint8_t>(threads, 1));
  }
}

}  // namespace cyto8
