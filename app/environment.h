// SPDX-License-Identifier: Apache-2.0
// The environment variables of the process as a value, so that nothing below
// the command line asks the process and tests can say what is set. Tested by
// tests/app/settings_layers_test.cc.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace cyto8 {

// Names to values. An empty value counts as not set.
using Environment = std::map<std::string, std::string, std::less<>>;

// From "NAME=value" words, the last of which is null, as main() has them. The
// first of equal names counts; a word without '=' is left out.
Environment EnvironmentOf(const char* const* words);

}  // namespace cyto8
