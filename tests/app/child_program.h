// SPDX-License-Identifier: Apache-2.0
// The real program as a process of its own, which a test may kill. Test code:
// CYTO8_PROGRAM is its path, given by CMake.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <vector>

namespace cyto8 {

struct ChildOptions {
  std::string errors = "/dev/null";           // where stderr goes.
  std::vector<std::string> environment = {};  // "NAME=value", beside ours.
};

inline std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Runs by itself from here on.
inline pid_t StartProgram(std::vector<std::string> arguments,
                          const ChildOptions& options = {}) {
  arguments.insert(arguments.begin(), CYTO8_PROGRAM);
  std::vector<std::string> variables = options.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    variables.push_back(*variable);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
                                   options.errors.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child = 0;
  const int error =
      posix_spawn(&child, CYTO8_PROGRAM, &actions, nullptr,
                  Pointers(arguments).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  // Nobody may go on to kill process 0, which would be all of ours.
  if (error != 0) throw std::system_error(error, std::generic_category());
  return child;
}

// Its exit code; minus the number of the signal that killed it.
inline int WaitFor(pid_t child) {
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// What WaitFor gives of a process that was killed.
inline constexpr int kKilled = -SIGKILL;

}  // namespace cyto8
