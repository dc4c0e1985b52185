// SPDX-License-Identifier: Apache-2.0
// Flags of `cyto8 doctor`; see doctor_command.h.
#include "app/doctor_command.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/console.h"
#include "app/doctor.h"
#include "app/doctor_probe.h"
#include "app/setting_flags.h"

namespace cyto8 {
namespace {

struct DoctorWords {
  std::string model;
  std::string output;
  bool json = false;
};

ExitCode Run(FileSystem& files, const Environment& environment,
             const DoctorWords& words, SettingFlags flags) {
  const auto give = [&](const char* key, const char* flag,
                        const std::string& text) {
    if (!text.empty()) flags.given.push_back({key, flag, text});
  };
  give("input.model", "--model", words.model);
  give("output.output", "--output", words.output);
  const std::vector<Finding> findings =
      Diagnose(ProbeSystem(files, environment, flags));
  const Status printed =
      PrintData(words.json ? FindingsJson(findings) : FindingsText(findings));
  if (printed.ok()) return ExitCodeOf(findings);
  PrintMessage(printed.message());
  return ExitCodeOf(printed);
}

}  // namespace

void AddDoctorCommand(CLI::App& app, const Environment& environment,
                      CommandAction& action) {
  const auto words = std::make_shared<DoctorWords>();
  CLI::App* command = app.add_subcommand(
      "doctor", "Whether this machine and its settings will do");
  command->footer(
      "PASS, WARN or FAIL a line, with the mend; exit code 5 after a FAIL.\n"
      "Example:\n  cyto8 doctor -m data/models/d2-cells.yaml -o out");
  command->add_option("-m,--model", words->model, "model to load");
  command->add_option("-o,--output", words->output,
                      "folder to try; it is not made");
  command->add_flag("--json", words->json, "print JSON");
  const std::function<SettingFlags()> flags = AddLayerFlags(*command);
  command->callback([=, &action] {
    action = [=, flags = flags()](FileSystem& files) {
      return Run(files, environment, *words, flags);
    };
  });
}

}  // namespace cyto8
