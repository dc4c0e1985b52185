// SPDX-License-Identifier: Apache-2.0
// CLI11 keeps the words as they are; what they mean is settings_value.h's. See
// setting_flags.h.
#include "app/setting_flags.h"

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/settings_table.h"

namespace cyto8 {
namespace {

struct FlagOfSetting {
  const Setting* setting;
  const CLI::Option* option;
};

// What help shows in place of the value.
const char* Placeholder(SettingKind kind) {
  switch (kind) {
    case SettingKind::kBool:
      return "";
    case SettingKind::kInt:
      return "N";
    case SettingKind::kNumber:
      return "X";
    case SettingKind::kPath:
      return "PATH";
    case SettingKind::kChoice:
      return "WORD";
    case SettingKind::kSize:
      return "SIZE";
    case SettingKind::kEdge:
      return "RULE";
    case SettingKind::kScores:
      return "PAIRS";
  }
  return "";
}

// Without quotes; empty for null and for what is empty.
std::string DefaultText(const Setting& setting) {
  std::string text = SettingValueJson(setting.get(ScoreSettings()));
  if (text == "null" || text == "{}") return "";
  std::erase(text, '"');
  return text;
}

std::string HelpOf(const Setting& setting) {
  std::string words;
  for (const std::string_view word : setting.rule.words) {
    words += (words.empty() ? "" : "|") + std::string(word);
  }
  const std::string help(setting.help);
  return words.empty() ? help : words + ": " + help;
}

// One word for each time that the flag is given.
CLI::Option* AddWord(CLI::App& command, const std::string& names,
                     const char* placeholder, const std::string& help) {
  return command.add_option(names, CLI::callback_t(), help)
      ->type_name(placeholder)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

CLI::Option* AddFlag(CLI::App& command, const Setting& setting) {
  std::string names(setting.short_flag);
  names += (names.empty() ? "" : ",") + std::string(setting.flag);
  const std::string help = HelpOf(setting);
  if (setting.rule.kind == SettingKind::kBool) {
    return command.add_flag(names + ",!" + OppositeFlag(setting), help);
  }
  return AddWord(command, names, Placeholder(setting.rule.kind), help)
      ->default_str(DefaultText(setting));
}

std::string NameOf(const Setting& setting, const std::string& text) {
  const bool is_opposite =
      setting.rule.kind == SettingKind::kBool && text == "false";
  return is_opposite ? OppositeFlag(setting) : std::string(setting.flag);
}

}  // namespace

std::function<SettingFlags()> AddLayerFlags(CLI::App& command) {
  const CLI::Option* config =
      AddWord(command, "--config", "FILE",
              "project file, instead of $CYTO8_CONFIG or ./cyto8.yaml");
  const CLI::Option* set =
      AddWord(command, "--set", "KEY=VALUE",
              "any setting by its key, such as tiling.overlap_px=64");
  return [config, set] {
    SettingFlags flags;
    flags.sets = set->results();
    if (!config->empty()) flags.config_file = config->results().back();
    return flags;
  };
}

std::function<SettingFlags()> AddSettingFlags(CLI::App& command) {
  std::vector<FlagOfSetting> added;
  for (const Setting& setting : SettingsTable()) {
    added.push_back({&setting, AddFlag(command, setting)});
  }
  return [added = std::move(added), layers = AddLayerFlags(command)] {
    SettingFlags flags = layers();
    for (const auto& [setting, option] : added) {
      for (const std::string& text : option->results()) {
        flags.given.push_back({.key = FullKey(*setting),
                               .flag = NameOf(*setting, text),
                               .text = text});
      }
    }
    return flags;
  };
}

}  // namespace cyto8
