// SPDX-License-Identifier: Apache-2.0
// Tests of app/anonymize.h: the ids, the key file and all that it may be
// damaged by, and what of texts stays.
#include "app/anonymize.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "app/slide_planner.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

constexpr char kSalt[] =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::string KeyText(const std::string& slides) {
  return R"({"format": "cyto8-key", "version": 1, "salt": ")" +
         std::string(kSalt) + R"(", "slides": )" + slides + "}";
}

class AnonymizeTest : public testing::Test {
 protected:
  StatusOr<std::vector<AnonymousName>> Name(const Paths& slides,
                                            bool write = true) {
    return NameByKeyFile(files_,
                         {.path = folder_.PathOf("key.json"),
                          .output = folder_.PathOf("out"),
                          .write = write},
                         slides);
  }

  nlohmann::json Key() const {
    return nlohmann::json::parse(folder_.Get("key.json"));
  }

  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(AnonymizeTest, AMissingKeyFileIsMadeForItsOwnerAlone) {
  const auto names = Name({"/data/in/a.svs", "/data/in/b.svs"});
  ASSERT_TRUE(names.ok()) << names.status().message();
  const nlohmann::json key = Key();
  EXPECT_EQ(key.size(), 4);
  EXPECT_EQ(key["format"], "cyto8-key");
  EXPECT_EQ(key["version"], 1);
  EXPECT_EQ(key["salt"].get<std::string>().size(), 64);
  EXPECT_EQ(key["slides"].size(), 2);
  EXPECT_EQ(key["slides"][(*names)[0].id], "/data/in/a.svs");
  EXPECT_EQ(key["slides"][(*names)[1].id], "/data/in/b.svs");
  EXPECT_EQ(fs::status(folder_.PathOf("key.json")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

// Expected values: Python's hmac.new(bytes(range(32)), path, 'sha256').
TEST_F(AnonymizeTest, TheIdIsTheHmacOfTheAbsolutePath) {
  folder_.Put("key.json", KeyText("{}"));
  const auto names =
      Name({"/data/in/a.svs", "/data/in/b.svs", "/data/../data/./in//a.svs"});
  ASSERT_TRUE(names.ok()) << names.status().message();
  EXPECT_EQ((*names)[0].id, "anon-06dec7f5283c45a1");
  EXPECT_EQ((*names)[0].image_id, 120862515823556);
  EXPECT_EQ((*names)[1].id, "anon-f2f4e2fd6d249ccc");
  EXPECT_EQ((*names)[1].image_id, 4274137507222089);
  EXPECT_EQ((*names)[2].id, (*names)[0].id);
}

TEST_F(AnonymizeTest, APathOfTheWorkingFolderIsTheSameSlide) {
  const Paths slides = {"a.svs", fs::current_path().string() + "/a.svs"};
  const auto names = Name(slides);
  ASSERT_TRUE(names.ok());
  EXPECT_EQ((*names)[0].id, (*names)[1].id);
}

TEST_F(AnonymizeTest, SaltsDifferAndSoDoIds) {
  const std::string id = Name({"/a"}).value()[0].id;
  fs::remove(folder_.PathOf("key.json"));
  EXPECT_NE(Name({"/a"}).value()[0].id, id);
}

TEST_F(AnonymizeTest, EntriesAreAddedAndNoneIsLost) {
  const std::string a = Name({"/a"}).value()[0].id;
  const std::string salt = Key()["salt"];
  const std::string b = Name({"/b"}).value()[0].id;
  EXPECT_EQ(Key()["salt"], salt);
  EXPECT_EQ(Key()["slides"], (nlohmann::json{{a, "/a"}, {b, "/b"}}));
  const std::string before = folder_.Get("key.json");
  files_.Disarm();
  EXPECT_EQ(Name({"/b", "/a"}).value()[1].id, a);
  EXPECT_EQ(folder_.Get("key.json"), before);
  for (const FileCall call : files_.calls()) {
    EXPECT_NE(call, FileCall::kCreateNew);  // nothing new: not written again.
  }
}

TEST_F(AnonymizeTest, BytesThatAreNoTextStayReadable) {
  const std::string id = Name({"/\xff\n\"\\x41"}).value()[0].id;
  EXPECT_EQ(Key()["slides"][id], "/\\xff\n\"\\x5cx41");
  EXPECT_TRUE(Name({"/\xff\n\"\\x41"}).ok());
}

TEST_F(AnonymizeTest, ADryRunWritesNothing) {
  ASSERT_TRUE(Name({"/a"}, /*write=*/false).ok());
  EXPECT_EQ(folder_.Names(), Paths{});
  folder_.Put("key.json", KeyText("{}"));
  EXPECT_EQ(Name({"/data/in/a.svs"}, /*write=*/false).value()[0].id,
            "anon-06dec7f5283c45a1");
  EXPECT_EQ(folder_.Get("key.json"), KeyText("{}"));
  EXPECT_EQ(folder_.Names(), Paths{"key.json"});
}

TEST_F(AnonymizeTest, ADamagedOrNewerKeyIsRefusedAndStays) {
  const auto key = [](const std::string& version, const std::string& rest) {
    return R"({"format": "cyto8-key", "version": )" + version + rest + "}";
  };
  const std::string salt = R"(, "salt": ")" + std::string(kSalt) + "\"";
  const std::string slides = R"(, "slides": {})";
  const std::string none = "is no whole cyto8-key file";
  const std::string newer = "version: only 1 is read";
  const std::string bad_salt = "salt: must be 64 hex digits";
  const std::string bad_slides = "slides: must be an object";
  const std::string bad_entry = "slides: must be ids with paths";
  const std::string good = KeyText("{}");
  const std::string id = R"("anon-06dec7f5283c45a1")";
  const std::pair<std::string, std::string> cases[] = {
      {"", none},
      {" ", none},
      {"null", none},
      {"[]", none},
      {"{}", none},
      {"salt: 1\n", none},
      {good.substr(0, good.size() - 1), none},
      {good.substr(0, good.size() / 2), none},
      {good + "x", none},
      {std::string(300, '['), none},
      {R"({"format": "cyto8-run", "version": 1})", none},
      {R"({"format": 1})", none},
      {R"({"format": "cyto8-key"})", newer},
      {key("2", salt + slides), newer},
      {key("0", salt + slides), newer},
      {key("\"1\"", salt + slides), newer},
      {key("null", salt + slides), newer},
      {key("1", slides), bad_salt},
      {key("1", R"(, "salt": 1)" + slides), bad_salt},
      {key("1", R"(, "salt": "")" + slides), bad_salt},
      {key("1", R"(, "salt": "0123")" + slides), bad_salt},
      {key("1", R"(, "salt": ")" + std::string(64, 'A') + "\"" + slides),
       bad_salt},
      {key("1", R"(, "salt": ")" + std::string(65, 'a') + "\"" + slides),
       bad_salt},
      {key("1", R"(, "salt": ")" + std::string(64, 'g') + "\"" + slides),
       bad_salt},
      {key("1", salt), bad_slides},
      {key("1", salt + R"(, "slides": [])"), bad_slides},
      {key("1", salt + R"(, "slides": null)"), bad_slides},
      {key("1", salt + slides + R"(, "more": 1)"),
       "\"more\": is no field of version 1"},
      {KeyText(R"({"a": "/x"})"), bad_entry},
      {KeyText(R"({"anon-0123": "/x"})"), bad_entry},
      {KeyText(R"({"anon-0123456789ABCDEF": "/x"})"), bad_entry},
      {KeyText("{" + id + ": 1}"), bad_entry},
      {KeyText("{" + id + R"(: "/data/in/b.svs"})"),
       "slides: anon-06dec7f5283c45a1 is another path than its hash says"}};
  for (const auto& [text, reason] : cases) {
    SCOPED_TRACE(text);
    folder_.Put("key.json", text);
    const auto names = Name({"/data/in/a.svs"});
    EXPECT_EQ(names.status().message(),
              folder_.PathOf("key.json") + ": " + reason);
    EXPECT_EQ(folder_.Get("key.json"), text);
  }
  folder_.Put("key.json", good);
  EXPECT_TRUE(Name({"/data/in/a.svs"}).ok());
}

TEST_F(AnonymizeTest, TheKeyMustNotLieInTheOutputFolder) {
  const std::string out = folder_.PathOf("out");
  const auto refused = [&](const std::string& path) {
    const auto names =
        NameByKeyFile(files_, {.path = path, .output = out}, Paths{"/a"});
    if (names.ok()) return false;
    EXPECT_EQ(names.status().ToString(),
              "INVALID_ARGUMENT: output.anonymize = " + path +
                  ": must not lie in the output folder");
    return true;
  };
  EXPECT_TRUE(refused(out + "/key.json"));  // before it is made.
  EXPECT_FALSE(fs::exists(out));
  fs::create_directories(out + "/slides");
  fs::create_directory_symlink(out, folder_.PathOf("link"));
  folder_.Put("out/key.json", KeyText("{}"));
  fs::create_symlink(out + "/key.json", folder_.PathOf("key2.json"));
  EXPECT_TRUE(refused(out));
  EXPECT_TRUE(refused(out + "/"));
  EXPECT_TRUE(refused(out + "/key.json"));
  EXPECT_TRUE(refused(out + "/slides/deep/key.json"));
  EXPECT_TRUE(refused(folder_.PathOf("other/../out/key.json")));
  EXPECT_TRUE(refused(folder_.PathOf("link/key.json")));
  EXPECT_TRUE(refused(folder_.PathOf("key2.json")));
  EXPECT_FALSE(refused(out + "/../key.json"));
  EXPECT_FALSE(refused(out + ".json"));
}

TEST_F(AnonymizeTest, ALinkToTheKeyStaysALink) {
  fs::create_directory(folder_.PathOf("safe"));
  folder_.Put("safe/real.json", KeyText("{}"));
  fs::create_symlink("safe/real.json", folder_.PathOf("key.json"));
  ASSERT_TRUE(Name({"/a"}).ok());
  EXPECT_TRUE(fs::is_symlink(folder_.PathOf("key.json")));
  EXPECT_EQ(
      nlohmann::json::parse(folder_.Get("safe/real.json"))["slides"].size(), 1);
}

TEST_F(AnonymizeTest, WhereTheFolderIsMissingNothingIsMade) {
  const auto names = NameByKeyFile(
      files_, {.path = folder_.PathOf("no/key.json"), .output = "/out"},
      Paths{"/a"});
  EXPECT_EQ(names.status().message(),
            folder_.PathOf("no/key.json.lock") + ": No such file or directory");
}

// promises.md P10 for the file without which nobody finds a patient again.
TEST_F(AnonymizeTest, WhateverCallFailsTheKeyIsTheOldOrTheNewOne) {
  const std::string old = KeyText("{}");
  folder_.Put("key.json", old);
  files_.Disarm();
  ASSERT_TRUE(Name({"/a"}).ok());
  const std::string changed = folder_.Get("key.json");
  const auto calls = static_cast<int64_t>(files_.calls().size());
  ASSERT_GT(calls, 8);
  for (const bool lasting : {false, true}) {
    for (int64_t i = 0; i < calls; ++i) {
      folder_.Put("key.json", old);
      files_.Arm({.index = i, .error_number = EIO, .lasting = lasting});
      static_cast<void>(Name({"/a"}).ok());
      const std::string now = folder_.Get("key.json");
      EXPECT_TRUE(now == old || now == changed) << i << " " << now;
      EXPECT_EQ(files_.open_files(), 0) << i;
    }
  }
}

TEST_F(AnonymizeTest, SeveralAtOnceShareOneSalt) {
  constexpr int kThreads = 8;
  std::vector<std::string> ids(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const auto names = Name({"/" + std::to_string(i), "/all"});
      if (names.ok()) ids[static_cast<size_t>(i)] = (*names)[1].id;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1);
  EXPECT_EQ(Key()["slides"].size(), kThreads + 1);
}

TEST_F(AnonymizeTest, ResultsByNameAreNotMixedWithOthers) {
  const std::string out = folder_.PathOf("out");
  EXPECT_TRUE(CheckNameless(files_, out).ok());
  fs::create_directories(out + "/slides/anon-0123456789abcdef");
  EXPECT_TRUE(CheckNameless(files_, out).ok());
  fs::create_directories(out + "/slides/Doe-01234567");
  EXPECT_EQ(CheckNameless(files_, out).ToString(),
            "INVALID_ARGUMENT: " + out +
                "/slides: has results of slides by their names: "
                "output.anonymize needs another folder");
}

TEST_F(AnonymizeTest, NamesAreNotPutBesideResultsWithout) {
  const std::string out = folder_.PathOf("out");
  EXPECT_TRUE(CheckNamed(files_, out).ok());
  fs::create_directories(out + "/slides/anon-1-01234567");
  EXPECT_TRUE(CheckNamed(files_, out).ok());
  fs::create_directories(out + "/slides/anon-0123456789abcdef");
  EXPECT_EQ(CheckNamed(files_, out).ToString(),
            "INVALID_ARGUMENT: " + out +
                "/slides: has results of slides without their names: give "
                "--anonymize, or another folder");
}

TEST(WithoutNamesTest, OfAnInputTheReasonStays) {
  EXPECT_EQ(
      WithoutName(NotFound("/a: b/c: No such file or directory")).ToString(),
      "NOT_FOUND: an input: No such file or directory");
  EXPECT_EQ(WithoutName(InvalidArgument("a.svs: is given twice")).ToString(),
            "INVALID_ARGUMENT: an input: is given twice");
  EXPECT_TRUE(WithoutName(OkStatus()).ok());
}

TEST(WithoutNamesTest, OfASideFileThePlaceStays) {
  const std::string path = "/x/Doe.csv";
  const auto shown = [&](const std::string& text) {
    return WithoutNames(InvalidArgument(path + text), path, "--roi").message();
  };
  EXPECT_EQ(shown(": line 3: x = 1: must be 2"),
            "--roi: line 3: x = 1: must be 2");
  EXPECT_EQ(shown(": name \"a\" is ambiguous: \"b\"c\" or \"d\""),
            "--roi: name \"...\"");
  EXPECT_EQ(shown(": \"open"), "--roi: \"...\"");
  EXPECT_TRUE(WithoutNames(OkStatus(), path, "--roi").ok());
}

TEST(HideNamesTest, OfPathsOnlyThatOfTheModelStays) {
  RunFacts facts;
  facts.command = {"cyto8", "score", "/x/Doe.svs", "--set=input.mpp_from=Doe"};
  facts.settings = {
      {"input.model", "\"m.yaml\""},    {"input.mpp_from", "\"Doe.csv\""},
      {"tiling.roi", "\"\""},           {"tiling.overlap_px", "192"},
      {"output.output", "\"Doe/out\""}, {"output.anonymize", "\"key\""},
      {"run.log_json", "\"Doe.log\""}};
  HideNames(facts);
  EXPECT_EQ(facts.command, (Paths{"cyto8", "score"}));
  const std::string hidden = "\"(hidden)\"";
  const decltype(facts.settings) expected = {
      {"input.model", "\"m.yaml\""}, {"input.mpp_from", hidden},
      {"tiling.roi", "\"\""},        {"tiling.overlap_px", "192"},
      {"output.output", hidden},     {"output.anonymize", hidden},
      {"run.log_json", hidden}};
  EXPECT_EQ(facts.settings, expected);
}

TEST(ShownTest, TheHiddenPathBecomesTheName) {
  const SlideInput input = {.identity = {.path = "anon-1"},
                            .hidden_path = "/x/Doe.svs"};
  const auto shown = [&](const std::string& text) {
    return Shown(input, DataLoss(text)).message();
  };
  EXPECT_EQ(shown("/x/Doe.svs: damaged"), "anon-1: damaged");
  EXPECT_EQ(shown("a /x/Doe.svs/x/Doe.svs b"), "a anon-1anon-1 b");
  EXPECT_EQ(shown("no tile"), "no tile");
  EXPECT_EQ(shown("/x/Doe.svs: level 1: OpenSlide: Can't open /x/Doe/1.dat"),
            "anon-1: level 1: OpenSlide: an error");
  EXPECT_EQ(Shown(input, DataLoss("x")).code(), StatusCode::kDataLoss);
  EXPECT_TRUE(Shown(input, OkStatus()).ok());
}

TEST(ShownTest, ANameThatHoldsThePathEndsToo) {
  const SlideInput input = {.identity = {.path = "anon-1"}, .hidden_path = "a"};
  EXPECT_EQ(Shown(input, DataLoss("a: b")).message(), "anon-1: b");
}

TEST(ShownTest, WithoutAHiddenPathEverythingStays) {
  const SlideInput input = {.identity = {.path = "/x/Doe.svs"}};
  const std::string text = "/x/Doe.svs: OpenSlide: Can't open it";
  EXPECT_EQ(Shown(input, DataLoss(text)).message(), text);
}

}  // namespace
}  // namespace cyto8
