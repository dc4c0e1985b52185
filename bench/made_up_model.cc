// SPDX-License-Identifier: Apache-2.0
// Writes an EfficientDet with made-up weights, six classes, and its card: for
// timing sizes that nobody has trained yet.
//
//   bench_made_up_model PHI SIDE_PX CARD.yaml OUT   (OUT.pb and OUT.yaml)
//
// CARD.yaml: of a model with six classes; what is not size and hash is kept.
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "tests/support/efficientdet_graph_def.h"

namespace cyto8 {
namespace {

// The card with other values of these keys, each on a line of its own.
std::string CardFor(const std::string& card, const std::string& model,
                    const std::string& sha256, const std::string& side) {
  std::istringstream lines(card);
  std::string line, made;
  while (std::getline(lines, line)) {
    const auto replace = [&line](const std::string& key,
                                 const std::string& value) {
      const size_t at = line.find_first_not_of(' ');
      if (at != std::string::npos && line.compare(at, key.size(), key) == 0) {
        line = line.substr(0, at) + key + " " + value;
      }
    };
    replace("model:", model);
    replace("sha256:", sha256);
    replace("width_px:", side);
    replace("height_px:", side);
    made += line + "\n";
  }
  return made;
}

Status Write(int phi, const std::string& side, const std::string& card_path,
             const std::string& out) {
  FileSystem& files = RealFileSystem();
  EfficientDetGraphOptions options = EfficientDetPhi(phi);
  options.classes = 6;
  options.image_height = options.image_width = std::atoi(side.c_str());
  const std::vector<std::byte> model = EfficientDetGraphDef(options).ToBytes();
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256(model));
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> card,
      ReadWholeFile(files, card_path, Limits().max_config_bytes));
  const std::string name = out.substr(out.rfind('/') + 1) + ".pb";
  const std::string text =
      CardFor({reinterpret_cast<const char*>(card.data()), card.size()}, name,
              ToHex(digest), side);
  CYTO8_RETURN_IF_ERROR(WriteFileAtomically(files, out + ".pb", model));
  return WriteFileAtomically(files, out + ".yaml",
                             std::as_bytes(std::span(text)));
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "bench_made_up_model PHI SIDE_PX CARD.yaml OUT\n");
    return 2;
  }
  const cyto8::Status status =
      cyto8::Write(std::atoi(argv[1]), argv[2], argv[3], argv[4]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
