// SPDX-License-Identifier: Apache-2.0
// promises.md P20: nothing leaves the machine or the output folder. The program
// itself runs, under a filter that ends it at its first socket, over 30 names
// that want out; and nothing that names a patient is read or copied.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "app/info_command.h"
#include "app/read_command.h"
#include "app/score_command.h"
#include "base/valid_utf8.h"
#include "tests/app/app_fixture.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/kfb_file.h"
#include "tests/support/tiff_bytes.h"
#include "tests/tiling/slide_sources.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr int kNoFilter = 99;  // an exit code of no command.

// From now on a socket ends the process with SIGSYS.
bool ForbidSockets() {
  constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
  constexpr uint16_t kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr uint16_t kReturn = BPF_RET | BPF_K;
  sock_filter steps[] = {
      {kLoad, 0, 0, offsetof(seccomp_data, nr)},
      {kIfEqual, 1, 0, SYS_socket},
      {kIfEqual, 0, 1, SYS_socketpair},
      {kReturn, 0, 0, SECCOMP_RET_KILL_PROCESS},
      {kReturn, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program = {.len = std::size(steps), .filter = steps};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// The exit code; minus the signal that ended it.
int EndOf(pid_t child) {
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Runs in a child that may not have sockets.
template <typename Work>
int InChild(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    if (!ForbidSockets()) _exit(kNoFilter);
    work();
    _exit(kNoFilter - 1);
  }
  return EndOf(child);
}

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

// What is known of a file, a folder or a link: any change shows.
std::string FactsOf(const fs::path& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return "gone";
  std::string facts = std::to_string(info.st_mode) + " " +
                      std::to_string(info.st_size) + " " +
                      std::to_string(info.st_mtim.tv_sec) + "." +
                      std::to_string(info.st_mtim.tv_nsec);
  if (S_ISREG(info.st_mode)) facts += " " + HexSha256(ReadBytes(path));
  return facts;
}

std::map<std::string, std::string> SnapshotOf(const std::string& root) {
  std::map<std::string, std::string> snapshot = {{"", FactsOf(root)}};
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    snapshot[entry.path()] = FactsOf(entry.path());
  }
  return snapshot;
}

// A world of its own: in/ is the working folder, home/ and tmp/ are what the
// variables say; results go to another one.
class PromiseP20 : public testing::Test {
 protected:
  PromiseP20() {
    for (const char* name : {"in", "home", "tmp", "cache"}) {
      fs::create_directory(world_.PathOf(name));
    }
    PutMiniModel(results_);
  }

  Ended Run(const Words& arguments) const {
    Words words = {CYTO8_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Words variables = {"HOME=" + world_.PathOf("home"),
                       "TMPDIR=" + world_.PathOf("tmp"),
                       "XDG_CACHE_HOME=" + world_.PathOf("cache"), "LANG=C"};
    const auto pointers = [](Words& texts) {
      std::vector<char*> list;
      for (std::string& text : texts) list.push_back(text.data());
      list.push_back(nullptr);
      return list;
    };
    const std::vector<char*> argv = pointers(words);
    const std::vector<char*> envp = pointers(variables);
    const std::string in = world_.PathOf("in");
    const std::string out = streams_.PathOf("out");
    const std::string err = streams_.PathOf("err");
    Ended ended;
    ended.code = InChild([&] {
      const int flags = O_WRONLY | O_CREAT | O_TRUNC;
      if (chdir(in.c_str()) != 0) return;
      dup2(open(out.c_str(), flags, 0600), STDOUT_FILENO);
      dup2(open(err.c_str(), flags, 0600), STDERR_FILENO);
      execve(argv[0], argv.data(), envp.data());
    });
    ended.out = streams_.Get("out");
    ended.err = streams_.Get("err");
    return ended;
  }

  Words ScoreWords(const Words& more) const {
    Words words = {"score",
                   "--model",
                   results_.PathOf("mini.yaml"),
                   "--mpp",
                   "0.5",
                   "--overlap",
                   "32",
                   "--min-score",
                   "0.9",
                   "--threads",
                   "2",
                   "-o",
                   results_.PathOf("out")};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  void Put(const std::string& name, std::string_view content) const {
    world_.Put("in/" + name, content);
  }

  TemporaryFolder world_;
  TemporaryFolder results_;
  TemporaryFolder streams_;
};

TEST_F(PromiseP20, ASocketEndsTheProcessHere) {
  const int code = InChild([] { socket(AF_INET, SOCK_STREAM, 0); });
  if (code == kNoFilter) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(code, -SIGSYS);
  EXPECT_EQ(InChild([] {
              int pair[2];
              socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
            }),
            -SIGSYS);
  EXPECT_EQ(InChild([] {}), kNoFilter - 1);
}

const Words kHostileNames = {
    "new\nline.png",
    "carriage\rreturn.png",
    "tab\tand bell\a.png",
    "\x1b[31mred\x1b[0m.png",
    "\x1b]0;title\x07.png",
    "\xc2\x9b"
    "31mred.png",  // the same order in one character.
    "%s%n%d{}{0}.png",
    "\xff\xfe.png",
    "cut\xe2\x82.png",
    "\xc0\xaf..\xc0\xaf.png",  // an overlong '/'.
    "right\xe2\x80\xaeto left.png",
    std::string(251, 'L') + ".png",  // 255 bytes, the most there are.
    "..png",
    "....png",
    "..\\..\\windows.png",
    "%2e%2e%2fescape.png",
    "-rf.png",
    "--help",
    "--output=elsewhere",
    "--",
    "[x]",
    "@words.png",
    "$(touch pwned).png",
    "`touch pwned`;touch pwned|touch pwned&.png",
    "http:example.org.png",
    "=1+1,\"quoted\".png",
    "case.png",
    "CASE.png",
    "run.json",
    "state.json",
    ".lock",
    "slides",
    "detections.geojson.gz",
    "*?~.png",
    " "};

bool IsPlainId(const std::string& id) {
  return id != "." && id != ".." && std::ranges::all_of(id, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  std::string_view("._-").find(c) != std::string_view::npos;
         });
}

// Nothing that a terminal would take for an order.
void ExpectPlainText(const std::string& text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    EXPECT_FALSE((byte < 0x20 && c != '\n') || byte == 0x7f) << int{byte};
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t bytes = Utf8CharacterBytes(rest);
    ASSERT_GT(bytes, 0) << rest.substr(0, 40);
    EXPECT_FALSE(bytes == 2 && rest[0] == '\xc2' && rest[1] < '\xa0') << rest;
    rest.remove_prefix(bytes);
  }
}

TEST_F(PromiseP20, HostileNamesStayNames) {
  ASSERT_GE(kHostileNames.size(), 30);
  Words images = {"--no-input", "--"};
  const Bytes png = EncodePng(MakeTestImage(20, 20).view());
  for (const std::string& name : kHostileNames) {
    Put(name, TextOf(png));
    // CLI11 keeps a second "--" for itself.
    images.push_back(name == "--" ? "./--" : name);
  }
  fs::create_symlink("case.png", world_.PathOf("in/link.png"));
  fs::create_symlink("/etc/passwd", world_.PathOf("in/passwd.png"));
  fs::create_symlink("nowhere", world_.PathOf("in/dangling.png"));
  ASSERT_EQ(mkfifo(world_.PathOf("in/fifo.png").c_str(), 0600), 0);
  fs::create_directory(world_.PathOf("in/sub"));
  Put("sub/x.png", TextOf(png));
  for (const char* name :
       {"link.png", "passwd.png", "dangling.png", "fifo.png",
        "../in/sub/../sub/./x.png", "../../../../../../../../etc/hostname"}) {
    images.emplace_back(name);
  }
  const auto before = SnapshotOf(world_.path());
  Words score = ScoreWords({});
  score.insert(score.end(), images.begin() + 1, images.end());
  const Ended ended = Run(score);
  if (ended.code == kNoFilter) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(ended.code, 4) << ended.err;
  EXPECT_EQ(SnapshotOf(world_.path()), before);
  EXPECT_EQ(results_.Names(), (Words{"mini.pb", "mini.yaml", "out"}));
  ExpectPlainText(ended.out);
  ExpectPlainText(ended.err);
  std::set<std::string> ids;
  for (const auto& entry :
       fs::directory_iterator(results_.PathOf("out/slides"))) {
    ids.insert(entry.path().filename());
    EXPECT_TRUE(IsPlainId(entry.path().filename())) << entry.path();
  }
  EXPECT_EQ(ids.size(), images.size() - 2);
  const auto manifest = nlohmann::json::parse(results_.Get("out/run.json"));
  size_t done = 0;
  for (const auto& image : manifest["images"]) {
    done += image["status"] == "done" ? 1 : 0;
  }
  EXPECT_EQ(done, kHostileNames.size() + 2);  // the link and sub/x.png.
}

TEST_F(PromiseP20, InfoWritesNothingWhateverTheNames) {
  Words images = {"info", "--"};
  for (const std::string& name : kHostileNames) {
    Put(name, TextOf(EncodePng(MakeTestImage(20, 20).view())));
    images.push_back(name == "--" ? "./--" : name);
  }
  const auto before = SnapshotOf(world_.path());
  const Ended ended = Run(images);
  if (ended.code == kNoFilter) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(ended.code, 0) << ended.err;
  ExpectPlainText(ended.out);
  images.insert(images.begin() + 1, "--json");
  EXPECT_EQ(nlohmann::json::parse(Run(images).out).size(),
            kHostileNames.size());
  EXPECT_EQ(SnapshotOf(world_.path()), before);
  EXPECT_EQ(results_.Names(), (Words{"mini.pb", "mini.yaml"}));
}

TEST_F(PromiseP20, ANulInAConfigurationIsRefused) {
  Put("a.png", TextOf(EncodePng(MakeTestImage(20, 20).view())));
  using namespace std::string_literals;
  world_.Put("nul.yaml", "schema: 1\noutput: {output: \"o\0ut\"}\n"s);
  world_.Put("escaped.yaml", "schema: 1\noutput: {output: \"o\\0ut\"}\n");
  const auto before = SnapshotOf(world_.path());
  for (const char* name : {"nul.yaml", "escaped.yaml"}) {
    const Ended ended = Run({"score", "--model", results_.PathOf("mini.yaml"),
                             "--config", world_.PathOf(name), "a.png"});
    if (ended.code == kNoFilter) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(ended.code, 2) << ended.err;
    ExpectPlainText(ended.err);
  }
  EXPECT_EQ(SnapshotOf(world_.path()), before);
}

// Every byte of the file, unpacked if it is packed.
std::string ContentOf(const fs::path& path) {
  std::string text;
  std::array<char, 4096> bytes{};
  gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr) << path;
  int count = 0;
  while ((count = gzread(file, bytes.data(), bytes.size())) > 0) {
    text.append(bytes.data(), static_cast<size_t>(count));
  }
  gzclose(file);
  return text;
}

void ExpectNoDoe(std::string text, const std::string& place) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  const size_t at = text.find("doe");
  EXPECT_EQ(at, std::string::npos)
      << place << ": "
      << (at == std::string::npos ? ""
                                  : text.substr(at < 60 ? 0 : at - 60, 120));
}

void ExpectNoDoeIn(const std::string& folder) {
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    ExpectNoDoe(entry.path().filename(), "name");
    if (!entry.is_regular_file()) continue;
    ++files;
    ExpectNoDoe(ContentOf(entry.path()), entry.path());
  }
  EXPECT_GT(files, 10);
}

Bytes SvsOfDoe() {
  std::vector<TiffSource> sources = AperioSources();
  for (TiffSource& source : sources) {
    const size_t at = source.description.find("Meier");
    if (at != std::string::npos) source.description.replace(at, 5, "Doe");
    source.software = "Doe's";
  }
  return EncodeTiff(sources);
}

TEST_F(PromiseP20, TextsOfASlideAreNotCopied) {
  Put("x.svs", TextOf(SvsOfDoe()));
  const Ended scored = Run(ScoreWords({"x.svs"}));
  if (scored.code == kNoFilter) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(scored.code, 0) << scored.err;
  ExpectNoDoeIn(results_.PathOf("out"));
  ExpectNoDoe(scored.out, "stdout");
  for (const Words& words :
       {Words{"info", "x.svs"}, Words{"info", "x.svs", "--json"}}) {
    const Ended info = Run(words);
    EXPECT_NE(info.out.find("label"), std::string::npos);
    ExpectNoDoe(info.out, "info");
  }
  const std::string png = results_.PathOf("part.png");
  EXPECT_EQ(Run({"read", "x.svs", "--rect", "0,0,50,50", "-o", png}).code, 0);
  ExpectNoDoe(ContentOf(png), "part.png");
}

// Of what was given on the command line only ids are left, however images end.
TEST_F(PromiseP20, AnAnonymousRunNamesNobody) {
  fs::create_directories(world_.PathOf("in/Doe family/Doe deep"));
  const Bytes jpeg = EncodeJpeg(MakeTestImage(80, 60).view());
  Put("Doe family/Jane Doe 1970.svs", TextOf(SvsOfDoe()));
  Put("Doe family/doe.png", TextOf(EncodePng(MakeTestImage(60, 50).view())));
  Put("Doe family/cut doe.jpg", TextOf(std::span(jpeg).first(500)));
  Put("Doe family/bad doe.svs", "no slide at all");
  Put("Doe family/two doe.png",
      TextOf(EncodePng(MakeTestImage(60, 50).view())));
  Put("Doe family/notes.doe", "");
  Put("Doe.csv",
      "file_name,um_per_px\nx/two doe.png,1\ny/two doe.png,2\ndoe.png,0.5\n");
  const std::string key = results_.PathOf("key.json");
  const std::string log = results_.PathOf("log.jsonl");
  const Words words =
      ScoreWords({"--anonymize", key, "--log-json", log, "--mpp-from",
                  "Doe.csv", "Doe family", "missing doe.png"});
  const auto before = SnapshotOf(world_.path());
  const Ended ended = Run(words);
  if (ended.code == kNoFilter) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(ended.code, 4) << ended.err;
  EXPECT_EQ(SnapshotOf(world_.path()), before);
  ExpectNoDoeIn(results_.PathOf("out"));
  ExpectNoDoe(ended.out, "stdout");
  ExpectNoDoe(ended.err, "stderr");
  ExpectNoDoe(results_.Get("log.jsonl"), "log");
  const auto slides = nlohmann::json::parse(results_.Get("key.json"))["slides"];
  EXPECT_EQ(slides.size(), 6);
  const auto manifest = nlohmann::json::parse(results_.Get("out/run.json"));
  std::map<std::string, std::string> ends;  // by file.
  for (const auto& image : manifest["images"]) {
    EXPECT_EQ(image["id"], image["path"]);
    const fs::path path = slides[image["id"].get<std::string>()];
    EXPECT_TRUE(path.is_absolute());
    ends[path.filename()] = image.value("error", "done");
    if (image.contains("error")) {
      EXPECT_TRUE(image["error"].get<std::string>().starts_with(
          image["id"].get<std::string>() + ": "));
    }
  }
  EXPECT_EQ(ends["Jane Doe 1970.svs"], "done");
  EXPECT_EQ(ends["doe.png"], "done");
  EXPECT_NE(ends["cut doe.jpg"].find("damaged JPEG"), std::string::npos);
  EXPECT_NE(ends["missing doe.png"].find("No such file"), std::string::npos);
  EXPECT_NE(ends["two doe.png"].find("--mpp-from: name \"...\""),
            std::string::npos)
      << ends["two doe.png"];
  EXPECT_EQ(manifest["command"], (nlohmann::json{"cyto8", "score"}));
  EXPECT_EQ(manifest["settings"]["input.mpp_from"], "(hidden)");
  EXPECT_EQ(manifest["settings"]["output.anonymize"], "(hidden)");
  // Once more: the same ids, and what is done is not done again.
  const std::string made = results_.Get("key.json");
  EXPECT_EQ(Run(words).code, 4);
  EXPECT_EQ(results_.Get("key.json"), made);
  const auto again = nlohmann::json::parse(results_.Get("out/run.json"));
  for (size_t i = 0; i < manifest["images"].size(); ++i) {
    EXPECT_EQ(again["images"][i]["id"], manifest["images"][i]["id"]);
    EXPECT_EQ(again["images"][i]["image_id"],
              manifest["images"][i]["image_id"]);
  }
  ExpectNoDoeIn(results_.PathOf("out"));
}

TEST_F(PromiseP20, WhatIsRefusedNamesNobodyEither) {
  Put("doe.png", TextOf(EncodePng(MakeTestImage(60, 50).view())));
  Put("Doe.csv", "file_name,um_per_px\ndoe.png,\"doe\"\n");
  const std::string key = results_.PathOf("key.json");
  const auto refusal = [&](Words more) {
    more.insert(more.begin(), {"--anonymize", key});
    const Ended ended = Run(ScoreWords(more));
    EXPECT_TRUE(ended.code == 2 || ended.code == kNoFilter) << ended.err;
    ExpectNoDoe(ended.err, "stderr");
    EXPECT_EQ(ended.out, "");
    return ended.err;
  };
  EXPECT_EQ(refusal({"doe.png", "./doe.png"}),
            "cyto8: an input: is given twice\n");
  EXPECT_TRUE(refusal({"doe.png", "--mpp-from", "Doe.csv"})
                  .starts_with("cyto8: --mpp-from: line 2: \"...\""));
  EXPECT_EQ(refusal({"doe.png", "--roi", "no doe.csv"}),
            "cyto8: --roi: No such file or directory\n");
  fs::create_directories(results_.PathOf("out/slides/x-01234567"));
  refusal({"doe.png"});
  EXPECT_FALSE(fs::exists(key));
}

// The number that the user's own file has for an image stays.
TEST_F(PromiseP20, TheImageIdOfTheSideFileStays) {
  Put("doe.png", TextOf(EncodePng(MakeTestImage(60, 50).view())));
  Put("coco.json", R"({"images": [{"id": 42, "file_name": "doe.png"}]})");
  const Ended ended =
      Run(ScoreWords({"--anonymize", results_.PathOf("key.json"), "--mpp-from",
                      "coco.json", "doe.png"}));
  if (ended.code == kNoFilter) GTEST_SKIP() << "no seccomp here";
  const auto manifest = nlohmann::json::parse(results_.Get("out/run.json"));
  EXPECT_EQ(manifest["images"][0]["image_id"], 42);
}

TEST_F(PromiseP20, ADryRunLeavesNoKey) {
  Put("doe.png", "damaged");
  const Ended ended = Run(ScoreWords(
      {"--anonymize", results_.PathOf("key.json"), "--dry-run", "doe.png"}));
  if (ended.code == kNoFilter) GTEST_SKIP() << "no seccomp here";
  ExpectNoDoe(ended.err + ended.out, "messages");
  EXPECT_EQ(results_.Names(), (Words{"mini.pb", "mini.yaml"}));
}

// Whether score, info or read asks for a byte of a part of the file. Its hash,
// which goes through the whole of it, does not count.
class PromiseP20Label : public testing::Test {
 protected:
  PromiseP20Label() { PutMiniModel(folder_); }

  bool IsTouched(const std::string& name, int64_t begin, int64_t end) {
    const std::string path = folder_.PathOf(name);
    files_.Watch(path, begin, end);
    ScoreRequest request;
    request.images = {path};
    ScoreSettings& settings = request.resolved.settings;
    settings.input.model = folder_.PathOf("mini.yaml");
    settings.output.output = folder_.PathOf("out");
    settings.input.mpp = 0.5;
    settings.tiling.overlap_px = 32;
    settings.run.quiet = true;
    EXPECT_EQ(Caught([&] { return RunScore(files_, request); }).code,
              ExitCode::kWhole);
    EXPECT_EQ(Caught([&] {
                return RunInfo(files_, {.images = {path}, .json = true});
              }).code,
              ExitCode::kWhole);
    EXPECT_EQ(Caught([&] {
                return RunRead(files_, {.slide = path,
                                        .rect = {0, 0, 60, 60},
                                        .output = folder_.PathOf("p.png")});
              }).code,
              ExitCode::kWhole);
    return files_.touched();
  }

  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(PromiseP20Label, OfAKfbIsNotReadUnlessAskedFor) {
  const Image image = MakeTestImage(60, 40);
  KfbSource source = KfbWithPictures(300, 200);
  source.overview = EncodeKfbPicture(image.view());
  source.label = EncodeKfbPicture(image.view().Crop(0, 0, 30, 20));
  source.thumbnail = EncodeKfbPicture(image.view().Crop(5, 5, 17, 23));
  const Bytes bytes = EncodeKfb(source);
  folder_.Put("x.kfb", TextOf(bytes));
  std::vector<std::pair<int64_t, int64_t>> parts;
  for (const KfbPicture* picture :
       {&source.overview, &source.label, &source.thumbnail}) {
    const auto at = std::ranges::search(bytes, picture->jpeg);
    ASSERT_FALSE(at.empty());
    const int64_t begin = at.begin() - bytes.begin();
    parts.emplace_back(begin, begin + std::ssize(picture->jpeg));
    EXPECT_FALSE(IsTouched("x.kfb", begin, parts.back().second));
  }
  EXPECT_TRUE(IsTouched("x.kfb", 0, 8));  // its signature.
  // The thumbnail of the results is one of the pyramid.
  const fs::path slides = folder_.PathOf("out/slides");
  EXPECT_TRUE(
      fs::exists(fs::directory_iterator(slides)->path() / "thumbnail.jpg"));
  for (const auto& [begin, end] : parts) {
    files_.Watch(folder_.PathOf("x.kfb"), begin, end);
    Caught([&] {
      return RunInfo(files_, {.images = {folder_.PathOf("x.kfb")},
                              .include_associated = folder_.PathOf("beside")});
    });
    EXPECT_TRUE(files_.touched());
  }
}

TEST_F(PromiseP20Label, OfAnSvsIsNotRead) {
  constexpr int kStripOffsets = 273;
  constexpr int kStripBytes = 279;
  const Bytes bytes = SvsOfDoe();
  folder_.Put("x.svs", TextOf(bytes));
  const TiffBytes tiff(bytes);
  for (const int64_t directory : {1, 4, 5}) {  // thumbnail, label, macro.
    const auto begin =
        static_cast<int64_t>(tiff.Number(directory, kStripOffsets));
    const auto size = static_cast<int64_t>(tiff.Number(directory, kStripBytes));
    ASSERT_GT(size, 100);
    EXPECT_FALSE(IsTouched("x.svs", begin, begin + size)) << directory;
  }
  constexpr int kTileOffsets = 324;
  const auto tile = static_cast<int64_t>(tiff.Number(0, kTileOffsets));
  EXPECT_TRUE(IsTouched("x.svs", tile, tile + 1));
}

}  // namespace
}  // namespace cyto8
