// SPDX-License-Identifier: Apache-2.0
// From flags to a ScoreRequest; see score_command_line.h.
#include "app/score_command_line.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

#include "app/console.h"
#include "app/score_command.h"
#include "app/score_request.h"
#include "app/setting_flags.h"

namespace cyto8 {
namespace {

struct ScoreWords {
  std::vector<std::string> images;
  bool dry_run = false;
  bool force = false;
};

StatusOr<ScoreRequest> MakeRequest(FileSystem& files,
                                   const Environment& environment,
                                   const ScoreWords& words,
                                   const SettingFlags& flags) {
  ScoreRequest request{
      .images = words.images, .dry_run = words.dry_run, .force = words.force};
  CYTO8_ASSIGN_OR_RETURN(request.resolved,
                         ResolveSettings(files, environment, flags));
  CYTO8_RETURN_IF_ERROR(RequireModelAndOutput(request.resolved.settings));
  return request;
}

ExitCode Run(FileSystem& files, const StatusOr<ScoreRequest>& request) {
  if (!request.ok()) {
    PrintMessage(request.status().message());
    return ExitCodeOf(request.status());
  }
  for (const std::string& warning : request->resolved.warnings) {
    PrintMessage("warning: " + warning);
  }
  return RunScore(files, *request);
}

}  // namespace

void AddScoreCommand(CLI::App& app, const Environment& environment,
                     const std::vector<std::string>& words,
                     CommandAction& action) {
  const auto given = std::make_shared<ScoreWords>();
  CLI::App* command = app.add_subcommand("score", "Find cells on images");
  command->footer(
      "Example:\n  cyto8 score fields --model data/models/d2-cells.yaml "
      "--mpp 0.2472 -o out\nSettings also come from configuration files: see "
      "cyto8 config --help.");
  command
      ->add_option("images", given->images,
                   "slides, JPEG, PNG or TIFF files, and folders of them")
      ->required();
  command->add_flag("-n,--dry-run", given->dry_run,
                    "check and say what would be done; write nothing");
  command->add_flag("-f,--force", given->force,
                    "score also what is there already and fits");
  const std::function<SettingFlags()> flags = AddSettingFlags(*command);
  command->callback([=, &action] {
    action = [=, flags = flags()](FileSystem& files) {
      StatusOr<ScoreRequest> request =
          MakeRequest(files, environment, *given, flags);
      if (request.ok()) {
        request->command = words;
        request->environment = environment;
      }
      return Run(files, request);
    };
  });
}

}  // namespace cyto8
