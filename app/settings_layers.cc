// SPDX-License-Identifier: Apache-2.0
// The layers, the weakest first; see settings_layers.h.
#include "app/settings_layers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "app/config_file.h"
#include "app/settings_table.h"
#include "base/nearest_word.h"

namespace cyto8 {
namespace {

constexpr std::string_view kPrefix = "CYTO8_";
constexpr char kConfigVariable[] = "CYTO8_CONFIG";

// Variables besides those that the table gives.
struct Alias {
  std::string_view variable;
  std::string_view key;  // empty: known, but not to these settings.
};
constexpr Alias kAliases[] = {{"CYTO8_THREADS", "run.threads"},
                              {"CYTO8_LOG", "run.log_json"},
                              {kConfigVariable, ""},
                              {"CYTO8_CACHE_DIR", ""},
                              {"CYTO8_NO_COLOR", ""},
                              {"CYTO8_JOBS", ""}};  // of test.sh.

std::string VariableOf(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

// The weakest first.
enum class Layer { kDefault, kUserFile, kProjectFile, kEnvironment, kFlag };

struct Source {
  Layer layer = Layer::kDefault;
  std::string origin = "default";
};

// The settings while the layers are put on.
class Resolver {
 public:
  // Refuses another value in the same layer: nobody can know which was meant.
  Status Set(const Setting& setting, const SettingValue& value, Source source);
  Status SetText(const Setting& setting, std::string_view name,
                 const std::string& text, Source source);
  ResolvedSettings Finish();
  ResolvedSettings& resolved() { return resolved_; }

 private:
  void LetSideFileWin();

  ResolvedSettings resolved_;
  std::map<std::string, Source> sources_;  // by full key.
};

Status Resolver::Set(const Setting& setting, const SettingValue& value,
                     Source source) {
  const std::string key = FullKey(setting);
  const auto found = sources_.find(key);
  if (found != sources_.end() && found->second.layer == source.layer &&
      setting.get(resolved_.settings) != value) {
    return InvalidArgument(key + " is given twice: by " + found->second.origin +
                           " and by " + source.origin);
  }
  setting.set(value, resolved_.settings);
  sources_[key] = std::move(source);
  return OkStatus();
}

Status Resolver::SetText(const Setting& setting, std::string_view name,
                         const std::string& text, Source source) {
  CYTO8_ASSIGN_OR_RETURN(const SettingValue value,
                         ParseSettingValue(setting.rule, name, {.text = text}));
  return Set(setting, value, std::move(source));
}

// --mpp is asked before --mpp-from (docs/formats.md, section 6). Where the side
// file was named in a stronger layer it is what the user wants now.
void Resolver::LetSideFileWin() {
  constexpr char kMpp[] = "input.mpp";
  InputSettings& input = resolved_.settings.input;
  const Source mpp = sources_[kMpp];
  const Source side_file = sources_["input.mpp_from"];
  if (!input.mpp || input.mpp_from.empty() || side_file.layer <= mpp.layer) {
    return;
  }
  input.mpp.reset();
  sources_[kMpp].origin = side_file.origin;
  resolved_.warnings.push_back(std::string(kMpp) + " of " + mpp.origin +
                               " is not used: " + side_file.origin +
                               " names a side file");
}

ResolvedSettings Resolver::Finish() {
  LetSideFileWin();
  for (const Setting& setting : SettingsTable()) {
    const std::string key = FullKey(setting);
    resolved_.entries.push_back(
        {.key = key,
         .value = SettingValueJson(setting.get(resolved_.settings)),
         .origin = sources_[key].origin});
  }
  return std::move(resolved_);
}

Status Unreadable(const std::string& path, const ConfigFile& file) {
  const size_t others = file.problems.size() - 1;
  const std::string more = others == 0
                               ? ""
                               : " (and " + std::to_string(others) +
                                     " more: cyto8 config check " + path + ")";
  return InvalidArgument(path + ": " + file.problems[0] + more);
}

Status ApplyFile(FileSystem& files, const std::string& path, bool must_exist,
                 Layer layer, const Limits& limits, Resolver& resolver) {
  if (path.empty()) {
    return must_exist ? InvalidArgument("--config = \"\": must be a path")
                      : OkStatus();
  }
  const StatusOr<ConfigFile> file = ReadConfigFile(files, path, limits);
  if (!file.ok()) {
    const StatusCode code = file.status().code();
    if (code == StatusCode::kNotFound && !must_exist) return OkStatus();
    // The home of somebody else, as in a container, is no mistake of the user.
    if (code != StatusCode::kPermissionDenied || layer != Layer::kUserFile) {
      return file.status();
    }
    resolver.resolved().warnings.push_back(file.status().message() +
                                           "; not read");
    return OkStatus();
  }
  if (!file->problems.empty()) return Unreadable(path, *file);
  for (const ConfigValue& value : file->values) {
    CYTO8_RETURN_IF_ERROR(resolver.Set(
        *value.setting, value.value,
        {.layer = layer, .origin = path + ":" + std::to_string(value.line)}));
  }
  resolver.resolved().config_files.push_back(path);
  return OkStatus();
}

const Setting* SettingOfVariable(std::string_view name) {
  for (const Alias& alias : kAliases) {
    if (alias.variable == name) return FindSetting(alias.key);
  }
  const auto found = std::ranges::find(SettingsTable(), name, VariableName);
  return found == SettingsTable().end() ? nullptr : &*found;
}

std::vector<std::string> KnownVariables() {
  std::vector<std::string> names;
  for (const Alias& alias : kAliases) names.emplace_back(alias.variable);
  for (const Setting& setting : SettingsTable()) {
    names.push_back(VariableName(setting));
  }
  return names;
}

void WarnOfVariable(const std::string& name, Resolver& resolver) {
  const std::vector<std::string> names = KnownVariables();
  if (std::ranges::find(names, name) != names.end()) return;
  const std::vector<std::string_view> known(names.begin(), names.end());
  resolver.resolved().warnings.push_back(
      "environment " + name + ": unknown variable" + DidYouMean(name, known));
}

Status ApplyEnvironment(const Environment& environment, Resolver& resolver) {
  for (const auto& [name, text] : environment) {
    if (!name.starts_with(kPrefix) || text.empty()) continue;
    const Setting* setting = SettingOfVariable(name);
    if (setting == nullptr) {
      WarnOfVariable(name, resolver);
      continue;
    }
    CYTO8_RETURN_IF_ERROR(resolver.SetText(
        *setting, name, text,
        {.layer = Layer::kEnvironment, .origin = "environment " + name}));
  }
  return OkStatus();
}

// One --set.
Status ApplyAssignment(const std::string& assignment, Resolver& resolver) {
  const size_t equals = assignment.find('=');
  const std::string key = assignment.substr(0, equals);
  if (equals == std::string::npos) {
    return InvalidArgument("--set \"" + assignment +
                           "\": must be KEY=VALUE, such as "
                           "tiling.overlap_px=64");
  }
  const Setting* setting = FindSetting(key);
  if (setting == nullptr) {
    return InvalidArgument("--set \"" + key + "\": unknown key" +
                           NearestSetting(key));
  }
  return resolver.SetText(*setting, "--set " + key,
                          assignment.substr(equals + 1),
                          {.layer = Layer::kFlag, .origin = "flag --set"});
}

Status ApplyFlags(const SettingFlags& flags, Resolver& resolver) {
  for (const SettingFlag& flag : flags.given) {
    const Setting* setting = FindSetting(flag.key);
    CYTO8_ENSURE(setting != nullptr);
    CYTO8_RETURN_IF_ERROR(resolver.SetText(
        *setting, flag.flag, flag.text,
        {.layer = Layer::kFlag, .origin = "flag " + flag.flag}));
  }
  for (const std::string& assignment : flags.sets) {
    CYTO8_RETURN_IF_ERROR(ApplyAssignment(assignment, resolver));
  }
  return OkStatus();
}

}  // namespace

std::string UserConfigPath(const Environment& environment) {
  const std::string configured = VariableOf(environment, "XDG_CONFIG_HOME");
  if (configured.starts_with('/')) return configured + "/cyto8/config.yaml";
  const std::string home = VariableOf(environment, "HOME");
  return home.empty() ? "" : home + "/.config/cyto8/config.yaml";
}

ProjectConfig ProjectConfigPath(const Environment& environment,
                                const SettingFlags& flags) {
  if (flags.config_file) return {*flags.config_file, /*must_exist=*/true};
  const std::string named = VariableOf(environment, kConfigVariable);
  if (!named.empty()) return {named, /*must_exist=*/true};
  return {"cyto8.yaml", /*must_exist=*/false};
}

StatusOr<ResolvedSettings> ResolveSettings(FileSystem& files,
                                           const Environment& environment,
                                           const SettingFlags& flags,
                                           const Limits& limits) {
  Resolver resolver;
  const ProjectConfig project = ProjectConfigPath(environment, flags);
  CYTO8_RETURN_IF_ERROR(ApplyFile(files, UserConfigPath(environment),
                                  /*must_exist=*/false, Layer::kUserFile,
                                  limits, resolver));
  CYTO8_RETURN_IF_ERROR(ApplyFile(files, project.path, project.must_exist,
                                  Layer::kProjectFile, limits, resolver));
  CYTO8_RETURN_IF_ERROR(ApplyEnvironment(environment, resolver));
  CYTO8_RETURN_IF_ERROR(ApplyFlags(flags, resolver));
  return resolver.Finish();
}

Status RequireModelAndOutput(const ScoreSettings& settings) {
  if (settings.input.model.empty()) {
    return InvalidArgument(
        "--model is required, or input.model in a configuration file");
  }
  if (settings.output.output.empty()) {
    return InvalidArgument(
        "--output is required, or output.output in a configuration file");
  }
  return OkStatus();
}

}  // namespace cyto8
