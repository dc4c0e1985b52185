// SPDX-License-Identifier: Apache-2.0
// How tests let the real program score with the model of PutQuickModel. Test
// code.
#pragma once

#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace cyto8 {

struct QuickScore {
  std::string input;  // below the folder.
  std::string out;    // anywhere.
  std::string threads = "1";
  std::string min_score = "0.8";
};

inline std::vector<std::string> WordsOf(const TemporaryFolder& folder,
                                        const QuickScore& score) {
  return {"score",
          folder.PathOf(score.input),
          "--model=" + folder.PathOf("quick.cy8"),
          "--mpp=0.5",
          "--overlap=32",
          "--threads=" + score.threads,
          "--min-score=" + score.min_score,
          "--quiet",
          "--output=" + score.out};
}

}  // namespace cyto8
