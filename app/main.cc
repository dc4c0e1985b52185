// SPDX-License-Identifier: Apache-2.0
// The process around the program: thread pools of libraries held at one, memory
// given back, a last net for what nobody caught. Flags are in command_line.cc.
#include <fmt/core.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <new>

#include "app/command_line.h"
#include "app/thread_pools.h"
#include "base/file_system.h"

namespace {

// Pixels of tiles and of slides' blocks come and go on all threads. glibc would
// raise its threshold and cut them from its heaps, which grow ever more holes:
// 164,800 KiB instead of 153,600 after 1,050 tiles. As mappings of their own
// they cost 1 % of the time.
void GiveLargeBlocksBack() {
  constexpr int kMappedBytes = 128 << 10;
  constexpr int kTrimmedBytes = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, kMappedBytes);
  mallopt(M_TRIM_THRESHOLD, kTrimmedBytes);
}

}  // namespace

int main(int argc, char** argv) {
  using cyto8::ExitCode;
  try {
    // A reader that went away is an error of that write, not the end.
    signal(SIGPIPE, SIG_IGN);
    GiveLargeBlocksBack();
    cyto8::HoldLibraryPoolsAtOneThread();
    return static_cast<int>(cyto8::RunCommandLine(
        cyto8::RealFileSystem(), cyto8::EnvironmentOf(environ), argc, argv));
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "cyto8: out of memory\n");
    return static_cast<int>(ExitCode::kTemporary);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cyto8: internal error: {}\n", error.what());
    return static_cast<int>(ExitCode::kInternal);
  }
}
