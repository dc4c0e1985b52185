// SPDX-License-Identifier: Apache-2.0
// The process around the program: thread pools of libraries held at one, a last
// net for what nobody caught. Flags are in command_line.cc.
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <new>

#include "app/command_line.h"
#include "app/thread_pools.h"
#include "base/file_system.h"

int main(int argc, char** argv) {
  using cyto8::ExitCode;
  try {
    // A reader that went away is an error of that write, not the end.
    signal(SIGPIPE, SIG_IGN);
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
