// SPDX-License-Identifier: Apache-2.0
// Requests share nothing that changes; runs under ThreadSanitizer, hence on the
// naive engine alone (oneDNN's is in compiled_model_test.cc).
#include "tests/detector/runtime/concurrency.h"

namespace cyto8 {
namespace {

TEST(ConcurrentRequestsTest, OneToFourAtOnceGiveTheSameBytes) {
  ExpectSameBytesFromThreads(Engine::kNaive);
}

}  // namespace
}  // namespace cyto8
