// SPDX-License-Identifier: Apache-2.0
// Flags and effects of `cyto8 config`; the texts are config_text.h's. See
// config_command.h.
#include "app/config_command.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config_file.h"
#include "app/config_text.h"
#include "app/console.h"
#include "app/setting_flags.h"
#include "base/atomic_file.h"

namespace cyto8 {
namespace {

struct InitWords {
  std::string file = "cyto8.yaml";
  bool force = false;
};

struct ShowWords {
  bool resolved = false;
  bool json = false;
};

ExitCode Done(const Status& status) {
  if (!status.ok()) PrintMessage(status.message());
  return ExitCodeOf(status);
}

// Whatever stands there is left alone, even if it cannot be read.
Status CheckFree(FileSystem& files, const std::string& path) {
  const StatusOr<int> file = files.OpenForReading(path);
  if (file.ok()) static_cast<void>(files.Close(*file, path).ok());
  if (file.status().code() == StatusCode::kNotFound) return OkStatus();
  return InvalidArgument(path + ": exists; --force overwrites it");
}

Status Init(FileSystem& files, const InitWords& words) {
  if (words.file == "-") return PrintData(ConfigTemplate());
  if (!words.force) CYTO8_RETURN_IF_ERROR(CheckFree(files, words.file));
  CYTO8_RETURN_IF_ERROR(
      WriteFileAtomically(files, words.file, ConfigTemplate()));
  return PrintData(words.file + "\n");
}

Status Show(FileSystem& files, const Environment& environment,
            const ShowWords& words, const SettingFlags& flags) {
  CYTO8_ASSIGN_OR_RETURN(const ResolvedSettings resolved,
                         ResolveSettings(files, environment, flags));
  if (words.json) return PrintData(SettingsJson(resolved, words.resolved));
  for (const std::string& warning : resolved.warnings) {
    PrintMessage("warning: " + warning);
  }
  return PrintData(SettingsYaml(resolved, words.resolved));
}

ExitCode CheckOne(FileSystem& files, const std::string& path) {
  const StatusOr<ConfigFile> file = ReadConfigFile(files, path, {});
  if (!file.ok()) return Done(file.status());
  for (const std::string& problem : file->problems) {
    PrintMessage(path + ": " + problem);
  }
  if (!file->problems.empty()) return ExitCode::kRefused;
  return Done(PrintData(Printable(path) + ": valid\n"));
}

ExitCode Check(FileSystem& files, const std::vector<std::string>& paths) {
  ExitCode code = ExitCode::kWhole;
  for (const std::string& path : paths) {
    code = Worse(code, CheckOne(files, path));
  }
  return code;
}

void AddInit(CLI::App& config, CommandAction& action) {
  const auto words = std::make_shared<InitWords>();
  CLI::App* command = config.add_subcommand(
      "init", "Write a file with every key, its meaning and its default");
  command->add_option("file", words->file, "file to write; - is stdout")
      ->capture_default_str();
  command->add_flag("-f,--force", words->force, "overwrite it");
  command->callback([words, &action] {
    action = [words](FileSystem& files) { return Done(Init(files, *words)); };
  });
}

void AddShow(CLI::App& config, const Environment& environment,
             CommandAction& action) {
  const auto words = std::make_shared<ShowWords>();
  CLI::App* command = config.add_subcommand(
      "show", "The settings that hold here and where each comes from");
  command->add_flag("--resolved", words->resolved, "defaults too");
  command->add_flag("--json", words->json, "print JSON");
  const std::function<SettingFlags()> flags = AddLayerFlags(*command);
  command->callback([=, &action] {
    action = [=, flags = flags()](FileSystem& files) {
      return Done(Show(files, environment, *words, flags));
    };
  });
}

void AddCheck(CLI::App& config, CommandAction& action) {
  const auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      config.add_subcommand("check", "Every mistake of configuration files");
  command->add_option("files", *paths, "files to check")->required();
  command->callback([paths, &action] {
    action = [paths](FileSystem& files) { return Check(files, *paths); };
  });
}

void AddSchema(CLI::App& config, CommandAction& action) {
  CLI::App* command =
      config.add_subcommand("schema", "The JSON Schema of such files");
  command->callback([&action] {
    action = [](FileSystem&) { return Done(PrintData(ConfigSchemaText())); };
  });
}

}  // namespace

void AddConfigCommand(CLI::App& app, const Environment& environment,
                      CommandAction& action) {
  CLI::App* config =
      app.add_subcommand("config", "Configuration files: make, show, check");
  config->require_subcommand(1);
  config->footer(
      "Flags come before variables (CYTO8_TILING_OVERLAP_PX), then the "
      "project file\n(--config, $CYTO8_CONFIG or ./cyto8.yaml), then the user "
      "file\n(~/.config/cyto8/config.yaml).\n"
      "Example:\n  cyto8 config init\n  cyto8 config show --resolved");
  AddInit(*config, action);
  AddShow(*config, environment, action);
  AddCheck(*config, action);
  AddSchema(*config, action);
}

}  // namespace cyto8
