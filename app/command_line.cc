// SPDX-License-Identifier: Apache-2.0
// Flags by CLI11, whose exceptions and exit codes end here; see
// command_line.h.
#include "app/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/command.h"
#include "app/console.h"
#include "app/graph_command.h"
#include "app/info_command.h"
#include "app/score_command.h"
#include "base/nearest_word.h"
#include "base/numbers.h"
#include "base/version.h"

namespace cyto8 {
namespace {

// Every command's options, filled by CLI11.
struct Settings {
  ScoreRequest score;
  // Kept as text: CLI11 would accept "nan" and "1e999".
  std::optional<std::string> mpp;
  std::optional<std::string> min_score;
  std::string engine = "onednn";
  bool no_overlays = false;
  bool no_input = false;  // accepted; nothing is ever asked.
  InfoOptions info;
  GraphSummarizeOptions summarize;
  GraphRunOptions run;
  CommandAction action;  // of the commands that bring their own.
};

void AddEngine(CLI::App& command, Settings& settings) {
  command
      .add_option("--engine", settings.engine,
                  "onednn (fast) or naive (the plain-loop reference)")
      ->check(CLI::IsMember({"onednn", "naive"}))
      ->capture_default_str();
}

// An empty value is given, unlike none; CLI11's own optional drops it.
void AddText(CLI::App& command, const char* flag,
             std::optional<std::string>& text, const char* help) {
  command.add_option_function<std::string>(
      flag, [&text](const std::string& value) { text = value; }, help);
}

CLI::App* AddScore(CLI::App& app, Settings& settings) {
  ScoreRequest& request = settings.score;
  ScoreSettings& score = request.resolved.settings;
  CLI::App* command = app.add_subcommand("score", "Find cells on images");
  command->footer(
      "Example:\n  cyto8 score fields/*.jpg --model data/models/d2-cells.yaml "
      "--mpp 0.2472 -o out");
  command->add_option("images", request.images, "JPEG or PNG files")->required();
  command
      ->add_option("-m,--model", score.input.model,
                   "model card (.yaml), or the model beside its card")
      ->required();
  command->add_option("-o,--output", score.output.output, "folder for the results")
      ->required();
  AddText(*command, "--mpp", settings.mpp, "um per pixel of all images");
  command->add_option("--mpp-from", score.input.mpp_from,
                      "COCO JSON with um_per_px per image, or CSV");
  AddText(*command, "--min-score", settings.min_score,
          "keep scores above it, instead of the card's threshold");
  command->add_flag(
      "--class-agnostic", score.postprocess.class_agnostic,
      "each box with its best class; classes suppress each other");
  command
      ->add_option("--overlap", score.tiling.overlap_px,
                   "px that neighbouring tiles share, at the model's um/px")
      ->capture_default_str();
  command->add_flag("--no-overlays", settings.no_overlays,
                    "write no overlay.jpg");
  command->add_flag("-q,--quiet", score.run.quiet, "print no table");
  AddEngine(*command, settings);
  return command;
}

CLI::App* AddInfo(CLI::App& app, Settings& settings) {
  CLI::App* command = app.add_subcommand("info", "Facts of an image");
  command->footer("Example:\n  cyto8 info field.jpg --json");
  command->add_option("images", settings.info.images, "JPEG or PNG files")
      ->required();
  command->add_flag("--json", settings.info.json, "print JSON");
  return command;
}

CLI::App* AddSummarize(CLI::App& graph, Settings& settings) {
  CLI::App* command = graph.add_subcommand(
      "summarize", "Inputs, outputs, operators, parameters, multiply-adds");
  command->footer("Example:\n  cyto8 graph summarize model.pb");
  command
      ->add_option("model", settings.summarize.model,
                   "frozen GraphDef, .pb or .pbtxt")
      ->required();
  return command;
}

CLI::App* AddRun(CLI::App& graph, Settings& settings) {
  GraphRunOptions& run = settings.run;
  CLI::App* command =
      graph.add_subcommand("run", "Raw outputs for given input tensors");
  command->footer(
      "Example:\n  cyto8 graph run model.pb --input input=x.npy -o out");
  command->add_option("model", run.model, "frozen GraphDef, .pb or .pbtxt")
      ->required();
  command
      ->add_option("-i,--input", run.inputs,
                   "NAME=FILE.npy: the network's float input, or image_arrays "
                   "(uint8, B x H x W x 3) of a serving export")
      ->required();
  command->add_option("--output-name", run.outputs,
                      "a tensor to write; default: all outputs");
  command->add_flag("--fused", run.fused,
                    "run the network rewritten as scoring does; default: "
                    "operator by operator, as in the file");
  command->add_option("-o,--output", run.output, "folder for the .npy files")
      ->required();
  AddEngine(*command, settings);
  return command;
}

// The long flags and subcommands that the deepest command in use knows.
std::vector<std::string> KnownWords(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands()) {
    return KnownWords(*command);
  }
  std::vector<std::string> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words.push_back("--" + name);
    }
  }
  for (const CLI::App* command : app.get_subcommands(/*filter=*/nullptr)) {
    words.push_back(command->get_name());
  }
  return words;
}

// The first word that no command knows, with the nearest known one; else what
// CLI11 says, e.g. of a missing flag.
std::string Explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> words = KnownWords(app);
  const std::vector<std::string_view> known(words.begin(), words.end());
  const std::vector<std::string> extras = app.remaining(/*recurse=*/true);
  if (extras.empty()) return error.what();
  const std::string word = extras[0].substr(0, extras[0].find('='));
  return "unknown argument \"" + word + "\"" + DidYouMean(word, known);
}

ExitCode Refuse(const std::string& message) {
  PrintMessage(message);
  fmt::print(stderr, "Try cyto8 --help.\n");
  return ExitCode::kRefused;
}

StatusOr<std::optional<double>> OptionalNumber(
    std::string_view flag, const std::optional<std::string>& text) {
  if (!text) return std::optional<double>();
  CYTO8_ASSIGN_OR_RETURN(const double value,
                         Annotate(ParseDouble(*text), flag));
  return std::optional(value);
}

Status Complete(int argc, const char* const* argv, Settings& settings) {
  ScoreSettings& score = settings.score.resolved.settings;
  CYTO8_ASSIGN_OR_RETURN(score.input.mpp,
                         OptionalNumber("--mpp", settings.mpp));
  CYTO8_ASSIGN_OR_RETURN(score.postprocess.min_score,
                         OptionalNumber("--min-score", settings.min_score));
  score.output.overlays = !settings.no_overlays;
  settings.score.command.assign(argv, argv + argc);
  const Engine engine =
      settings.engine == "naive" ? Engine::kNaive : Engine::kOneDnn;
  score.run.engine = settings.run.engine = engine;
  return OkStatus();
}

}  // namespace

ExitCode RunCommandLine(FileSystem& files, int argc, const char* const* argv) {
  Settings settings;
  CLI::App app(std::string("Finds abnormal cervical cells.\n") +
                   std::string(kResearchNotice),
               "cyto8");
  app.set_version_flag("--version",
                       fmt::format("cyto8 {}\n{}", kVersion, kResearchNotice));
  app.add_flag("--no-input", settings.no_input,
               "accepted for scripts: nothing is ever asked");
  app.require_subcommand(1);
  const CLI::App* score = AddScore(app, settings);
  const CLI::App* info = AddInfo(app, settings);
  CLI::App* graph = app.add_subcommand("graph", "Look at and run GraphDefs");
  graph->require_subcommand(1);
  const CLI::App* summarize = AddSummarize(*graph, settings);
  AddRun(*graph, settings);
  if (argc < 2) {
    fmt::print(stderr, "{}", app.help());
    return ExitCode::kRefused;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version.
    app.exit(success);
    return ExitCode::kWhole;
  } catch (const CLI::ParseError& error) {
    return Refuse(Explain(app, error));
  }
  const Status completed = Complete(argc, argv, settings);
  if (!completed.ok()) return Refuse(completed.message());
  if (settings.action) return settings.action(files);
  if (score->parsed()) return RunScore(files, settings.score);
  if (info->parsed()) return RunInfo(files, settings.info);
  return summarize->parsed() ? RunGraphSummarize(files, settings.summarize)
                             : RunGraph(files, settings.run);
}

}  // namespace cyto8
