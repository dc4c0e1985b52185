// SPDX-License-Identifier: Apache-2.0
// state.json: how one slide ended, from what, and which files say so; written
// last, so where it stands and fits, the slide needs no work any more
// (docs/formats.md, section 3). Tested by tests/app/slide_state_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/score_result.h"
#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

// A file of the slide's folder as it was written.
struct WrittenFile {
  std::string name = {};
  int64_t bytes = 0;
  std::string sha256 = {};  // 64 hex digits.
  friend bool operator==(const WrittenFile&, const WrittenFile&) = default;
};

// SHA-256 of what decides a result, 64 hex digits each. Equal keys and a slide
// whose files verify: nothing to do. Equal candidates: only what comes behind
// them is done again.
struct SlideKeys {
  std::string candidates = {};  // slide, model, tiling, lowest score, program.
  std::string results = {};     // these, merging and output.
  friend bool operator==(const SlideKeys&, const SlideKeys&) = default;
};

struct SlideState {
  SlideSummary summary = {};
  SlideKeys keys = {};
  std::string origin = {};  // hash of the image's path; empty: not told.
  int64_t ended_ns = 0;     // since 1970; 0: not told.
  std::vector<WrittenFile> files = {};
};

// The file of this name as it lies in the folder now.
StatusOr<WrittenFile> DescribeFile(FileSystem& files, const std::string& folder,
                                   const std::string& name);

Status WriteSlideState(FileSystem& files, const std::string& folder,
                       const SlideState& state);

// kNotFound if there is none. kDataLoss, with the path, if it is cut or was
// changed, kUnimplemented for another version. The identity's path and ids are
// the caller's; a state of another id is kDataLoss.
StatusOr<SlideState> ReadSlideState(FileSystem& files,
                                    const std::string& folder,
                                    const SlideIdentity& identity);

// Whether every file is there as it was written: kDataLoss names the first
// that is not.
Status VerifySlideFiles(FileSystem& files, const std::string& folder,
                        const SlideState& state);

}  // namespace cyto8
