// SPDX-License-Identifier: Apache-2.0
// Flags by CLI11, whose exceptions and exit codes end here; see
// command_line.h.
#include "app/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "app/command.h"
#include "app/config_command.h"
#include "app/console.h"
#include "app/doctor_command.h"
#include "app/eval_command_line.h"
#include "app/graph_command.h"
#include "app/info_command.h"
#include "app/make_slide_command_line.h"
#include "app/quantize_command_line.h"
#include "app/read_command.h"
#include "app/score_command_line.h"
#include "base/nearest_word.h"
#include "base/version.h"

namespace cyto8 {
namespace {

// Every command's options, filled by CLI11.
struct Settings {
  std::string engine = "onednn";
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

CLI::App* AddInfo(CLI::App& app, Settings& settings) {
  CLI::App* command = app.add_subcommand("info", "Facts of an image or slide");
  command->footer("Example:\n  cyto8 info field.jpg --json");
  command->add_option("images", settings.info.images, "images or slides")
      ->required();
  command->add_flag("--json", settings.info.json, "print JSON");
  command->add_option("--include-associated", settings.info.include_associated,
                      "folder for label, macro and thumbnail of slides as PNG; "
                      "they may name a patient and are not read otherwise");
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

// Without the program's name, the last word first, as CLI11 wants them. It
// would take a file "[x]" for a list of words; "./[x]" is the same file.
std::vector<std::string> WordsForParser(std::vector<std::string> words) {
  words.erase(words.begin());
  for (std::string& word : words) {
    if (word.starts_with('[') && word.ends_with(']')) word = "./" + word;
  }
  std::reverse(words.begin(), words.end());
  return words;
}

}  // namespace

ExitCode RunCommandLine(FileSystem& files, const Environment& environment,
                        int argc, const char* const* argv) {
  const std::vector<std::string> words(argv, argv + argc);
  Settings settings;
  CLI::App app(std::string("Finds abnormal cervical cells.\n") +
                   std::string(kResearchNotice),
               "cyto8");
  app.set_version_flag("--version",
                       fmt::format("cyto8 {}\n{}", kVersion, kResearchNotice));
  app.add_flag("--no-input", settings.no_input,
               "accepted for scripts: nothing is ever asked");
  app.require_subcommand(1);
  AddScoreCommand(app, environment, words, settings.action);
  AddConfigCommand(app, environment, settings.action);
  AddDoctorCommand(app, environment, settings.action);
  const CLI::App* info = AddInfo(app, settings);
  CLI::App* graph = app.add_subcommand("graph", "Look at and run GraphDefs");
  graph->require_subcommand(1);
  const CLI::App* summarize = AddSummarize(*graph, settings);
  AddRun(*graph, settings);
  AddQuantizeCommand(app, environment, settings.action);
  AddEvalCommands(app, settings.action);
  AddReadCommand(app, settings.action);
  AddMakeSlideCommand(app, settings.action);
  if (words.size() < 2) {
    fmt::print(stderr, "{}", app.help());
    return ExitCode::kRefused;
  }
  try {
    app.parse(WordsForParser(words));
  } catch (const CLI::Success& success) {  // --help, --version.
    app.exit(success);
    return ExitCode::kWhole;
  } catch (const CLI::ParseError& error) {
    return Refuse(Explain(app, error));
  }
  if (settings.action) return settings.action(files);
  settings.run.engine =
      settings.engine == "naive" ? Engine::kNaive : Engine::kOneDnn;
  if (info->parsed()) return RunInfo(files, settings.info);
  return summarize->parsed() ? RunGraphSummarize(files, settings.summarize)
                             : RunGraph(files, settings.run);
}

}  // namespace cyto8
