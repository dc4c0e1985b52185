// SPDX-License-Identifier: Apache-2.0
// Tests of app/stop_signal.h with real signals to this process.
#include "app/stop_signal.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace cyto8 {
namespace {

TEST(StopSignalTest, TellsWhichSignalCame) {
  for (const auto& [signal, code] :
       {std::pair(SIGINT, ExitCode::kInterrupted),
        std::pair(SIGTERM, ExitCode::kTerminated)}) {
    const StopSignal stop;
    EXPECT_FALSE(stop.received());
    EXPECT_EQ(stop.exit_code(), ExitCode::kWhole);
    raise(signal);
    EXPECT_TRUE(stop.received());
    EXPECT_EQ(stop.exit_code(), code);
  }
}

TEST(StopSignalTest, ANewOneHasSeenNothing) {
  {
    const StopSignal stop;
    raise(SIGTERM);
  }
  const StopSignal stop;
  EXPECT_FALSE(stop.received());
}

TEST(StopSignalDeathTest, TheSecondSignalEndsTheProcess) {
  const auto twice = [](int signal) {
    const StopSignal stop;
    raise(signal);
    raise(signal);
  };
  EXPECT_EXIT(twice(SIGINT), testing::ExitedWithCode(130), "");
  EXPECT_EXIT(twice(SIGTERM), testing::ExitedWithCode(143), "");
}

TEST(StopSignalDeathTest, AfterwardsSignalsDoWhatTheyDidBefore) {
  const auto after = [] {
    { const StopSignal stop; }
    raise(SIGTERM);
  };
  EXPECT_EXIT(after(), testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace cyto8
