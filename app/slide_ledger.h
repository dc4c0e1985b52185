// SPDX-License-Identifier: Apache-2.0
// Who works on which image, and what is left to do of it: a lock first, then a
// look at what is there (docs/formats.md, section 3). So several processes may
// share an output folder, a run that was killed goes on where it was, and what
// changed since is done again. Tested by tests/app/slide_ledger_test.cc.
#pragma once

#include <cstddef>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "app/score_pipeline.h"
#include "app/score_result.h"
#include "app/slide_planner.h"
#include "app/slide_state.h"
#include "base/file_lock.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/status.h"

namespace cyto8 {

struct SlideLedgerOptions {
  FileSystem* files = nullptr;
  std::string output = {};  // folder of the run.
  // What decides the candidates of every image, and what else its results.
  std::string candidates_config = {};
  std::string results_config = {};
  int64_t classes = 0;  // of the model.
  // When this run began: what was ended since, others on this folder did.
  int64_t started_ns = 0;
  bool force = false;  // what was there before does not count.
  // From this size on a new image is hashed while it is scored: it takes longer
  // than starting a thread.
  int64_t hash_aside_bytes = int64_t{16} << 20;
  Limits limits = {};
};

struct TakenSlide {
  SlideTask task = {};
  // With SlideWork::kNone: how the image ended, or that another process has it.
  std::optional<SlideSummary> ended = std::nullopt;
};

// Take may be called by one thread while another records and releases.
class SlideLedger {
 public:
  // Makes the folder; kUnavailable if its file system does not keep locks.
  static StatusOr<std::unique_ptr<SlideLedger>> Create(
      const SlideLedgerOptions& options);
  // Whatever is being hashed is given up.
  ~SlideLedger();

  // Locks the image and says what is left to do. A failure leaves nothing
  // locked and what is there as it was. kInvalidArgument if the folder has the
  // result of another image, unless forced.
  StatusOr<TakenSlide> Take(const SlideInput& input);

  // Whether it is locked by this ledger; else its folder is not to be touched.
  bool Holds(const SlideIdentity& slide);

  // Of one that it holds. Writes state.json, after all other files of the
  // image. `names`: those that there may be.
  Status Record(SlideSummary& slide, std::span<const std::string_view> names);

  // How an image that another process had has ended since; nothing if it has
  // not, or with other settings.
  std::optional<SlideSummary> Ended(const SlideInput& input) const;

  void Release(const SlideIdentity& slide);

 private:
  struct Keys {
    SlideKeys texts = {};
    Sha256Digest candidates = {};
  };
  struct HashedSlide {
    std::string sha256 = {};
    Keys keys = {};
    double seconds = 0;
  };
  struct Claim {
    FileLock lock;
    std::shared_future<StatusOr<HashedSlide>> hashed = {};
    std::string origin = {};
    int64_t attempts = 1;
  };

  explicit SlideLedger(const SlideLedgerOptions& options) : options_(options) {}
  std::string FolderOf(const SlideIdentity& slide) const {
    return options_.output + "/slides/" + slide.id;
  }
  StatusOr<Keys> KeysOf(const SlideInput& input,
                        const std::string& sha256) const;
  StatusOr<HashedSlide> Hash(const SlideInput& input,
                             const FileInfo& before) const;
  StatusOr<TakenSlide> Look(const SlideInput& input, Claim& claim) const;
  StatusOr<SlideState> StateOf(const SlideInput& input) const;
  StatusOr<bool> IsOver(const SlideState& state, const SlideInput& input,
                        const SlideKeys& keys) const;
  StatusOr<bool> CandidatesFit(const SlideTask& task,
                               const Sha256Digest& fingerprint) const;

  const SlideLedgerOptions options_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::map<std::string, Claim> claims_;  // by id of the image.
};

}  // namespace cyto8
