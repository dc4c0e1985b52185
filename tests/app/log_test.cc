// SPDX-License-Identifier: Apache-2.0
// Tests of app/log.h: every line of the JSON log, and what the console shows.
#include "app/log.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <regex>

#include "tests/app/result_fixture.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

class LogTest : public testing::Test {
 protected:
  LogOptions Options(LogLevel level = LogLevel::kOff) {
    return {.level = level,
            .json_file = folder_.PathOf("log.json"),
            .console =
                [this](std::string_view text) {
                  console_ += std::string(text) + "\n";
                },
            .clock = [] { return "T"; }};
  }

  // Every kind of event once.
  static void Tell(Log& log) {
    log.RunStart({.slides = 3, .threads = 2, .engine = "onednn", .model = "m"});
    log.SlideStart(TwoCells().identity);
    log.SlideEnd(Summarize(Partial(), 2));
    log.SlideEnd(Summarize(Failed(), 2));
    log.Warning("odd");
    log.RunEnd("partial", ExitCode::kPartial, 1.25);
  }

  TemporaryFolder folder_;
  std::string console_;
  FaultyFileSystem faulty_{RealFileSystem()};
};

TEST_F(LogTest, EveryEventIsALine) {
  Log log = Log::Create(RealFileSystem(), Options()).value();
  Tell(log);
  EXPECT_TRUE(log.Close().ok());
  const std::string stages = "\"decode\":0.000,\"resample\":0.000,\"infer\":";
  EXPECT_EQ(
      folder_.Get("log.json"),
      "{\"time\":\"T\",\"level\":\"info\",\"event\":\"run_start\","
      "\"slides\":3,\"threads\":2,\"engine\":\"onednn\",\"model\":\"m\"}\n"
      "{\"time\":\"T\",\"level\":\"debug\",\"event\":\"slide_start\","
      "\"slide\":\"x-1\",\"path\":\"in/x.jpg\"}\n"
      "{\"time\":\"T\",\"level\":\"info\",\"event\":\"slide_done\","
      "\"slide\":\"z-3\",\"path\":\"in/z.jpg\",\"status\":\"partial\","
      "\"tiles\":2,\"tiles_skipped\":0,\"tiles_failed\":1,"
      "\"scan\":\"RESCAN\",\"boxes\":1,\"notes\":\"tile 1: "
      "damaged\",\"seconds\":{\"read\":0.012," +
          stages +
          "1.500,\"boxes\":0.000,\"merge\":0.000,\"write\":0.000}}\n"
          "{\"time\":\"T\",\"level\":\"error\",\"event\":\"slide_failed\","
          "\"slide\":\"y-2\",\"path\":\"in/y.jpg\",\"status\":\"failed\","
          "\"error\":\"in/y.jpg: cut, here\",\"seconds\":{\"read\":0.250," +
          stages +
          "0.000,\"boxes\":0.000,\"merge\":0.000,\"write\":0.000}}\n"
          "{\"time\":\"T\",\"level\":\"warning\",\"event\":\"warning\","
          "\"message\":\"odd\"}\n"
          "{\"time\":\"T\",\"level\":\"info\",\"event\":\"run_end\","
          "\"status\":\"partial\",\"exit_code\":4,\"seconds\":1.250}\n");
  EXPECT_EQ(console_, "");
}

TEST_F(LogTest, TheConsoleShowsByLevel) {
  const auto shown = [&](LogLevel level) {
    LogOptions options = Options(level);
    options.json_file.clear();
    Log log = Log::Create(RealFileSystem(), std::move(options)).value();
    Tell(log);
    return std::exchange(console_, {});
  };
  const std::string error = "in/y.jpg: cut, here\n";
  EXPECT_EQ(shown(LogLevel::kOff), "");
  EXPECT_EQ(shown(LogLevel::kError), error);
  EXPECT_EQ(shown(LogLevel::kWarning), error + "warning: odd\n");
  EXPECT_EQ(shown(LogLevel::kInfo),
            "3 images, model m, 2 threads, engine onednn\n"
            "in/z.jpg: partial, 1 boxes, 1.512 s\n" +
                error + "warning: odd\npartial, exit code 4, 1.250 s\n");
  EXPECT_NE(shown(LogLevel::kDebug).find("in/x.jpg: begun\n"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_.PathOf("log.json")));
}

TEST_F(LogTest, LinesAreThereAtOnceAndValidWhateverTheNames) {
  Log log = Log::Create(RealFileSystem(), Options()).value();
  log.Warning("a\"\n\xff{}");
  EXPECT_EQ(folder_.Get("log.json"),
            "{\"time\":\"T\",\"level\":\"warning\",\"event\":\"warning\","
            "\"message\":\"a\\\"\\n\\\\xff{}\"}\n");
}

TEST_F(LogTest, TheClockIsUtcWithMilliseconds) {
  LogOptions options = Options();
  options.clock = nullptr;
  Log log = Log::Create(RealFileSystem(), std::move(options)).value();
  log.Warning("x");
  EXPECT_TRUE(std::regex_search(
      folder_.Get("log.json"),
      std::regex(R"("time":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ")")));
}

TEST_F(LogTest, AnOlderLogIsReplaced) {
  folder_.Put("log.json", "{\"time\":\"old\"}\n");
  faulty_.ShortenTransfers(3);
  EXPECT_TRUE(Log::Create(faulty_, Options()).ok());
  EXPECT_EQ(folder_.Get("log.json"), "");
  EXPECT_TRUE(Log::Create(RealFileSystem(), Options()).ok());  // empty.
}

TEST_F(LogTest, TheLogOfARunThatGoesOnIsNotReplaced) {
  const LogOptions options = {.json_file = folder_.PathOf("log.jsonl")};
  {
    Log first = Log::Create(RealFileSystem(), options).value();
    first.Warning("it goes on");
    EXPECT_EQ(Log::Create(RealFileSystem(), options).status().ToString(),
              "UNAVAILABLE: " + options.json_file +
                  ": another process writes its log there");
    EXPECT_NE(folder_.Get("log.jsonl").find("it goes on"), std::string::npos);
  }
  EXPECT_TRUE(Log::Create(RealFileSystem(), options).ok());
}

TEST_F(LogTest, NothingElseIsReplaced) {
  for (const char* content : {"\xff\xd8\xff", "{\"tim", "{\"level\":\"\"}\n"}) {
    folder_.Put("log.json", content);
    const auto log = Log::Create(RealFileSystem(), Options());
    EXPECT_EQ(log.status().message(),
              folder_.PathOf("log.json") +
                  ": is there and is not a log of cyto8: not replaced");
    EXPECT_EQ(folder_.Get("log.json"), content);
  }
  LogOptions options = Options();
  options.json_file = folder_.path();
  EXPECT_FALSE(Log::Create(RealFileSystem(), std::move(options)).ok());
}

TEST_F(LogTest, ACallThatFailsIsToldAtTheEndAndNeverBefore) {
  for (int64_t i = 0; i < 6; ++i) {
    folder_.Put("log.json", "");
    Log log = Log::Create(faulty_, Options()).value();
    faulty_.Arm({.kind = FileCall::kWrite, .index = i, .error_number = ENOSPC});
    Tell(log);
    EXPECT_EQ(log.Close().code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(log.Close().code(), StatusCode::kResourceExhausted);
    faulty_.Disarm();
  }
  EXPECT_EQ(faulty_.open_files(), 0);
  Log log = Log::Create(faulty_, Options()).value();
  faulty_.Arm({.kind = FileCall::kClose, .error_number = EIO});
  EXPECT_FALSE(log.Close().ok());
}

TEST_F(LogTest, AFileThatCannotBeMadeIsAnError) {
  LogOptions options = Options();
  options.json_file = folder_.PathOf("none/log.json");
  EXPECT_EQ(Log::Create(RealFileSystem(), std::move(options)).status().code(),
            StatusCode::kNotFound);
}

TEST(ParseLogLevelTest, KnowsFiveWords) {
  EXPECT_EQ(ParseLogLevel("debug").value(), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("off").value(), LogLevel::kOff);
  EXPECT_EQ(ParseLogLevel("Info").status().message(),
            "\"Info\": must be debug, info, warning, error or off");
}

}  // namespace
}  // namespace cyto8
