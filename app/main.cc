// SPDX-License-Identifier: Apache-2.0
// The process around the program: thread pools of libraries held at one, one
// heap, a last net for what nobody caught. Flags are in command_line.cc.
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

// Pixels of tiles and of slides' blocks come and go on all threads. With a heap
// for each thread, and a threshold that glibc raises, the heaps grow ever more
// holes: 165,000 KiB after 1,050 tiles, 155,000 with one heap. The network
// allocates nothing, so nobody waits for it.
void UseOneHeap() {
  constexpr int kMappedBytes = 4 << 20;
  constexpr int kTrimmedBytes = 4 << 20;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, kMappedBytes);
  mallopt(M_TRIM_THRESHOLD, kTrimmedBytes);
}

}  // namespace

int main(int argc, char** argv) {
  using cyto8::ExitCode;
  try {
    // A reader that went away is an error of that write, not the end.
    signal(SIGPIPE, SIG_IGN);
    UseOneHeap();
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
