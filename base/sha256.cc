// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL; see sha256.h.
#include "base/sha256.h"

#include <openssl/evp.h>

#include <memory>
#include <vector>

namespace cyto8 {
namespace {

Status OpenSslFailed() {
  return Internal("OpenSSL could not compute a SHA-256");
}

// A digest of bytes that come piece by piece.
class Hasher {
 public:
  Hasher() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {}

  Status Begin() {
    return Check(context_ != nullptr &&
                 EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  Status Add(std::span<const std::byte> bytes) {
    return Check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) ==
                 1);
  }
  StatusOr<Sha256Digest> Finish() {
    Sha256Digest digest{};
    unsigned int size = 0;
    CYTO8_RETURN_IF_ERROR(
        Check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1 &&
              size == digest.size()));
    return digest;
  }

 private:
  static Status Check(bool fine) { return fine ? OkStatus() : OpenSslFailed(); }

  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

StatusOr<Sha256Digest> DigestOf(FileSystem& files, int file,
                                const std::string& path) {
  constexpr size_t kBlockBytes = size_t{1} << 18;
  CYTO8_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(file, path));
  if (!info.is_regular) {
    return InvalidArgument(path + ": is not a regular file");
  }
  std::vector<std::byte> block(kBlockBytes);
  Hasher hasher;
  CYTO8_RETURN_IF_ERROR(hasher.Begin());
  while (true) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t count, files.Read(file, block, path));
    if (count == 0) return hasher.Finish();
    CYTO8_RETURN_IF_ERROR(
        hasher.Add(std::span(block).first(static_cast<size_t>(count))));
  }
}

}  // namespace

StatusOr<Sha256Digest> Sha256(std::span<const std::byte> bytes) {
  Hasher hasher;
  CYTO8_RETURN_IF_ERROR(hasher.Begin());
  CYTO8_RETURN_IF_ERROR(hasher.Add(bytes));
  return hasher.Finish();
}

StatusOr<Sha256Digest> Sha256OfFile(FileSystem& files,
                                    const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  const StatusOr<Sha256Digest> digest = DigestOf(files, file, path);
  const Status closed = files.Close(file, path);
  CYTO8_RETURN_IF_ERROR(digest.status());
  CYTO8_RETURN_IF_ERROR(closed);
  return digest;
}

std::string ToHex(const Sha256Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace cyto8
