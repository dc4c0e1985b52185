// SPDX-License-Identifier: Apache-2.0
// See slide_ledger.h.
#include "app/slide_ledger.h"

#include <utility>

#include "app/candidate_file.h"
#include "app/real_path.h"
#include "app/run_manifest.h"
#include "app/slide_files.h"
#include "app/slide_hash.h"
#include "app/stopwatch.h"
#include "base/atomic_file.h"
#include "base/numbers.h"
#include "base/sha256.h"

namespace cyto8 {
namespace {

constexpr const char* kLockName = "/.lock";

// Where no thread can be had, whoever asks for the hash makes it.
constexpr std::launch kAtOnceIfPossible =
    std::launch::async | std::launch::deferred;

StatusOr<Sha256Digest> HashOfText(const std::string& text) {
  return Sha256(std::as_bytes(std::span(text)));
}

// What of the input's entries in the side files decides its tiles.
std::string DescribeInput(const SlideInput& input) {
  const auto number = [](const std::optional<double>& value) {
    return value ? FormatShortest(*value) : "none";
  };
  std::string text = "mpp " + number(input.hints.flag) + " " +
                     number(input.hints.side_file) + "\n";
  for (const Region& region : input.regions) {
    const Box& box = region.box;
    text += "region";
    for (const double side : {box.x_min, box.y_min, box.x_max, box.y_max}) {
      text += " " + FormatShortest(side);
    }
    text += "\n";
  }
  return text;
}

SlideSummary Held(const SlideInput& input) {
  SlideSummary slide;
  slide.identity = input.identity;
  slide.status = Status(StatusCode::kUnavailable,
                        input.identity.path + ": another process has it");
  return slide;
}

// What is not there, damaged or of another version is made anew; a file that
// could not be read is another matter.
bool IsNone(const Status& status) {
  return status.code() == StatusCode::kNotFound ||
         status.code() == StatusCode::kDataLoss ||
         status.code() == StatusCode::kUnimplemented;
}

// The names and ids of this run.
SlideSummary EndedAs(const SlideState& state, const SlideInput& input) {
  SlideSummary slide = state.summary;
  slide.identity = input.identity;
  return slide;
}

StatusOr<FileInfo> InfoOf(FileSystem& files, const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  const StatusOr<FileInfo> info = files.Stat(file, path);
  CYTO8_RETURN_IF_ERROR(files.Close(file, path));
  return info;
}

// Which file an image is, for those of the same name in other folders; nothing
// where names are hidden.
StatusOr<std::string> OriginOf(const SlideInput& input) {
  if (!input.hidden_path.empty()) return std::string();
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest,
                         HashOfText(AbsolutePath(input.file()).string()));
  return ToHex(digest);
}

// A slide that was moved has the same bytes, one that was replaced the same
// path.
bool IsOfAnother(const SlideState& state, const std::string& origin,
                 const std::string& sha256) {
  return !state.origin.empty() && !origin.empty() && state.origin != origin &&
         state.summary.sha256 != sha256;
}

}  // namespace

StatusOr<std::unique_ptr<SlideLedger>> SlideLedger::Create(
    const SlideLedgerOptions& options) {
  FileSystem& files = *options.files;
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files, options.output + "/slides"));
  CYTO8_RETURN_IF_ERROR(CheckLocking(files, options.output + kLockName));
  return std::unique_ptr<SlideLedger>(new SlideLedger(options));
}

StatusOr<SlideLedger::Keys> SlideLedger::KeysOf(
    const SlideInput& input, const std::string& sha256) const {
  Keys keys;
  CYTO8_ASSIGN_OR_RETURN(
      keys.candidates,
      HashOfText("slide " + sha256 + "\n" + DescribeInput(input) +
                 options_.candidates_config));
  keys.texts.candidates = ToHex(keys.candidates);
  CYTO8_ASSIGN_OR_RETURN(
      const Sha256Digest results,
      HashOfText("candidates " + keys.texts.candidates + "\nimage_id " +
                 std::to_string(input.identity.image_id) + "\n" +
                 options_.results_config));
  keys.texts.results = ToHex(results);
  return keys;
}

StatusOr<TakenSlide> SlideLedger::Take(const SlideInput& input) {
  const std::string folder = FolderOf(input.identity);
  CYTO8_RETURN_IF_ERROR(MakeDirectories(*options_.files, folder));
  CYTO8_ASSIGN_OR_RETURN(
      std::optional<FileLock> lock,
      FileLock::TryAcquire(*options_.files, folder + kLockName));
  if (!lock) {
    return TakenSlide{.task = {.work = SlideWork::kNone}, .ended = Held(input)};
  }
  Claim claim = {.lock = std::move(*lock)};
  StatusOr<TakenSlide> taken = Look(input, claim);
  if (taken.ok() && taken->task.work != SlideWork::kNone) {
    const std::lock_guard guard(mutex_);
    claims_.emplace(input.identity.id, std::move(claim));
  }
  return taken;
}

SlideLedger::~SlideLedger() {
  stop_.request_stop();
  for (const auto& [id, claim] : claims_) claim.hashed.wait();
}

// `before`: of the file when it was taken. One that changed since may be scored
// in part as it was before.
StatusOr<SlideLedger::HashedSlide> SlideLedger::Hash(
    const SlideInput& input, const FileInfo& before) const {
  FileSystem& files = *options_.files;
  const std::string& path = input.file();
  HashedSlide slide;
  {
    const Stopwatch watch(slide.seconds);
    CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest,
                           HashOfSlide(files, path, stop_.get_token()));
    slide.sha256 = ToHex(digest);
  }
  CYTO8_ASSIGN_OR_RETURN(const FileInfo after, InfoOf(files, path));
  if (!(after == before)) {
    return Status(StatusCode::kUnavailable,
                  path + ": was changed while it was read");
  }
  CYTO8_ASSIGN_OR_RETURN(slide.keys, KeysOf(input, slide.sha256));
  return slide;
}

StatusOr<TakenSlide> SlideLedger::Look(const SlideInput& input,
                                       Claim& claim) const {
  const std::string folder = FolderOf(input.identity);
  FileSystem& files = *options_.files;
  TakenSlide taken;
  SlideTask& task = taken.task;
  CYTO8_RETURN_IF_ERROR(RemoveSlideTemporaries(files, folder));
  const StatusOr<SlideState> state = StateOf(input);
  if (!state.ok() && !IsNone(state.status())) return state.status();
  if (state.ok()) claim.attempts = state->summary.attempts + 1;
  CYTO8_RETURN_IF_ERROR(input.status);
  CYTO8_ASSIGN_OR_RETURN(claim.origin, OriginOf(input));
  task.candidates = folder + "/candidates.bin";
  const Status candidates = InfoOf(files, task.candidates).status();
  const bool has_candidates = candidates.code() != StatusCode::kNotFound;
  if (has_candidates && !options_.force) CYTO8_RETURN_IF_ERROR(candidates);
  CYTO8_ASSIGN_OR_RETURN(const FileInfo file, InfoOf(files, input.file()));
  const bool is_large = file.size_bytes >= options_.hash_aside_bytes ||
                        IsSlideIndex(input.file());
  // What is new needs its hash at the end only.
  const bool may_wait = is_large && !state.ok() && !has_candidates;
  claim.hashed =
      std::async(may_wait ? kAtOnceIfPossible : std::launch::deferred, [this,
                                                                        input,
                                                                        file] {
        return Hash(input, file);
      }).share();
  task.key = [hashed = claim.hashed]() -> StatusOr<SlideKey> {
    CYTO8_ASSIGN_OR_RETURN(const HashedSlide slide, hashed.get());
    return SlideKey{.sha256 = slide.sha256,
                    .fingerprint = slide.keys.candidates,
                    .seconds = slide.seconds};
  };
  if (may_wait) return taken;
  CYTO8_ASSIGN_OR_RETURN(const HashedSlide hashed, claim.hashed.get());
  if (state.ok() && !options_.force &&
      IsOfAnother(*state, claim.origin, hashed.sha256)) {
    return InvalidArgument(input.identity.path + ": " + folder +
                           ": has the result of another image of this name: "
                           "take another folder, or --force");
  }
  if (state.ok()) {
    CYTO8_ASSIGN_OR_RETURN(const bool is_over,
                           IsOver(*state, input, hashed.keys.texts));
    if (is_over) {
      task.work = SlideWork::kNone;
      taken.ended = EndedAs(*state, input);
      return taken;
    }
  }
  if (options_.force) return taken;
  CYTO8_ASSIGN_OR_RETURN(const bool fit,
                         CandidatesFit(task, hashed.keys.candidates));
  if (fit) task.work = SlideWork::kMerge;
  return taken;
}

// kDataLoss also if its counts are not those of the model's classes.
StatusOr<SlideState> SlideLedger::StateOf(const SlideInput& input) const {
  const std::string folder = FolderOf(input.identity);
  CYTO8_ASSIGN_OR_RETURN(
      SlideState state,
      ReadSlideState(*options_.files, folder, input.identity));
  const SlideSummary& slide = state.summary;
  if (HasResult(slide) &&
      std::ssize(slide.cells_of_class) != options_.classes) {
    return DataLoss(folder + ": has counts of other classes");
  }
  return state;
}

// Whether nothing is left to do. What another process ended while this run went
// on is not tried again, whatever came of it.
StatusOr<bool> SlideLedger::IsOver(const SlideState& state,
                                   const SlideInput& input,
                                   const SlideKeys& keys) const {
  if (!(state.keys == keys)) return false;
  if (state.ended_ns >= options_.started_ns) return true;
  if (options_.force || OutcomeOf(state.summary) != SlideOutcome::kDone) {
    return false;
  }
  const Status verified =
      VerifySlideFiles(*options_.files, FolderOf(input.identity), state);
  if (!verified.ok() && !IsNone(verified)) return verified;
  return verified.ok();
}

StatusOr<bool> SlideLedger::CandidatesFit(
    const SlideTask& task, const Sha256Digest& fingerprint) const {
  const StatusOr<std::unique_ptr<CandidateReader>> reader =
      CandidateReader::Open(*options_.files, task.candidates, options_.limits);
  if (!reader.ok() && !IsNone(reader.status())) return reader.status();
  return reader.ok() && (*reader)->fingerprint() == fingerprint;
}

bool SlideLedger::Holds(const SlideIdentity& slide) {
  const std::lock_guard guard(mutex_);
  return claims_.contains(slide.id);
}

Status SlideLedger::Record(SlideSummary& slide,
                           std::span<const std::string_view> names) {
  const std::string folder = FolderOf(slide.identity);
  SlideState state;
  std::shared_future<StatusOr<HashedSlide>> hashed;
  {
    const std::lock_guard guard(mutex_);
    const auto claim = claims_.find(slide.identity.id);
    CYTO8_ENSURE(claim != claims_.end());
    hashed = claim->second.hashed;
    state.origin = claim->second.origin;
    state.ended_ns = NanosecondsNow();
    slide.attempts = claim->second.attempts;
  }
  CYTO8_ASSIGN_OR_RETURN(const HashedSlide known, hashed.get());
  state.keys = known.keys.texts;
  state.summary = slide;
  for (const std::string_view name : names) {
    StatusOr<WrittenFile> file =
        DescribeFile(*options_.files, folder, std::string(name));
    if (file.status().code() == StatusCode::kNotFound) continue;
    CYTO8_RETURN_IF_ERROR(file.status());
    state.files.push_back(*std::move(file));
  }
  return WriteSlideState(*options_.files, folder, state);
}

std::optional<SlideSummary> SlideLedger::Ended(const SlideInput& input) const {
  const StatusOr<SlideState> state = StateOf(input);
  if (!state.ok()) return std::nullopt;
  const StatusOr<Keys> keys = KeysOf(input, state->summary.sha256);
  if (!keys.ok() || !(keys->texts == state->keys)) return std::nullopt;
  return EndedAs(*state, input);
}

void SlideLedger::Release(const SlideIdentity& slide) {
  const std::lock_guard guard(mutex_);
  claims_.erase(slide.id);
}

}  // namespace cyto8
