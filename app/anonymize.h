// SPDX-License-Identifier: Apache-2.0
// `cyto8 score --anonymize KEYFILE`: slides appear by salted hashes, and a file
// that stays with its owner tells which is which (docs/formats.md, section 13).
// What results and messages must not hold then. Tested by
// tests/app/anonymize_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "app/run_manifest.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

struct AnonymousName {
  std::string id = {};   // "anon-" and 16 hex digits.
  int64_t image_id = 0;  // the first 52 bits of the same hash.
};

struct KeyFileOptions {
  std::string path = {};    // of the key file; its folder is there.
  std::string output = {};  // of the run: the key must not lie in it.
  bool write = true;        // false: nothing is written, not even a lock.
  Limits limits = {};
};

// A name for each slide: HMAC-SHA256 of its absolute path (lexically
// normalised) with the salt of the key file as key. The file is made with a
// fresh salt if it is missing; names that it does not have are added, under
// "<path>.lock" and by rename, so that several processes may share it. It is
// the owner's alone (0600).
//
// kInvalidArgument for a key file inside of the output folder, and for one with
// a value that no Cyto8 writes; kDataLoss for one that is no JSON or no key
// file, kUnimplemented for a newer version: it is never replaced. Messages name
// the key file, no slide.
StatusOr<std::vector<AnonymousName>> NameByKeyFile(
    FileSystem& files, const KeyFileOptions& options,
    std::span<const std::string> slides);

// kInvalidArgument if an earlier run left results of slides by their names in
// this output folder.
Status CheckNameless(FileSystem& files, const std::string& output);

// kInvalidArgument if an earlier run left results of nameless slides there:
// names beside them would tell.
Status CheckNamed(FileSystem& files, const std::string& output);

// A failure of what was given, before it has an id: the reason alone.
Status WithoutName(const Status& status);

// The same for what stands in a side file, which is named by its flag: what it
// quotes is left out.
Status WithoutNames(const Status& status, const std::string& path,
                    const std::string& flag);

// Words of the command and settings may hold names of files: of the command its
// name stays, of paths only that of the model.
void HideNames(RunFacts& facts);

}  // namespace cyto8
