// SPDX-License-Identifier: Apache-2.0
// A folder of its own for a test, and the plain ways to fill and read it. Test
// code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cyto8 {

// Made in the constructor, removed with all its content in the destructor.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view name) const;

  void Put(std::string_view name, std::string_view content) const;
  std::string Get(std::string_view name) const;
  // The names of its entries, sorted.
  std::vector<std::string> Names() const;

 private:
  std::string path_;
};

}  // namespace cyto8
