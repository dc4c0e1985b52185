// SPDX-License-Identifier: Apache-2.0
// Texts derived from the table; see config_text.h.
#include "app/config_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "app/console.h"
#include "app/settings_table.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;

// Whole bounds as whole numbers: 0, not 0.0.
Json Bound(double value) {
  const auto whole = static_cast<int64_t>(value);
  return static_cast<double>(whole) == value ? Json(whole) : Json(value);
}

Json TypeOf(const char* type, bool may_be_null) {
  return may_be_null ? Json({type, "null"}) : Json(type);
}

Json Bounded(const char* type, const SettingRule& rule) {
  return {{"type", TypeOf(type, rule.may_be_null)},
          {"minimum", Bound(rule.low)},
          {"maximum", Bound(rule.high)}};
}

Json SizeSchema(const SettingRule& rule) {
  SettingRule side = rule;
  side.may_be_null = false;
  return {{"anyOf",
           {Bounded("integer", side),
            {{"type", "string"}, {"pattern", "^[0-9]+(x[0-9]+)?$"}},
            {{"type", "null"}}}}};
}

Json ScoresSchema(const SettingRule& rule) {
  return {{"type", {"object", "null"}},
          {"additionalProperties", Bounded("number", rule)}};
}

Json SchemaOf(const SettingRule& rule) {
  switch (rule.kind) {
    case SettingKind::kBool:
      return {{"type", "boolean"}};
    case SettingKind::kInt:
      return Bounded("integer", rule);
    case SettingKind::kNumber:
      return Bounded("number", rule);
    case SettingKind::kPath:
      return {{"type", {"string", "null"}}};
    case SettingKind::kChoice:
      return {{"enum", rule.words}};
    case SettingKind::kSize:
      return SizeSchema(rule);
    case SettingKind::kEdge:
      return {{"type", "string"}, {"pattern", "^(align|pad|drop<[0-9]+)$"}};
    case SettingKind::kScores:
      return ScoresSchema(rule);
  }
  return {};
}

std::string DefaultJson(const Setting& setting) {
  return SettingValueJson(setting.get(ScoreSettings()));
}

Json SettingSchema(const Setting& setting) {
  Json schema = {{"description", std::string(setting.help)}};
  schema.update(SchemaOf(setting.rule));
  const bool is_path = setting.rule.kind == SettingKind::kPath;
  schema["default"] =
      is_path ? Json(nullptr) : Json::parse(DefaultJson(setting));
  return schema;
}

Json GroupSchema(std::string_view group) {
  Json properties = Json::object();
  for (const Setting& setting : SettingsTable()) {
    if (setting.group != group) continue;
    properties[std::string(setting.key)] = SettingSchema(setting);
  }
  return {{"type", {"object", "null"}},
          {"additionalProperties", false},
          {"properties", properties}};
}

// Neither null nor empty.
bool SaysSomething(const std::string& json) {
  return json != "null" && json != "\"\"" && json != "{}";
}

std::string TemplateEntry(const Setting& setting) {
  const std::string value = DefaultJson(setting);
  const std::string key = std::string(setting.key) + ": ";
  std::string text = "  # " + std::string(setting.help) + "\n";
  text += "  #   " + DescribeRule(setting.rule) + "; " +
          std::string(setting.flag) + ", " + VariableName(setting) + "\n";
  return text +
         (SaysSomething(value) ? "  " + key + value
                               : "  # " + key + std::string(setting.example)) +
         "\n";
}

bool IsShown(const SettingEntry& entry, bool all) {
  return all || entry.origin != "default";
}

std::string_view GroupOf(const SettingEntry& entry) {
  return std::string_view(entry.key).substr(0, entry.key.find('.'));
}

}  // namespace

std::string ConfigSchemaText() {
  Json properties = {{"schema", {{"const", kConfigSchema}}}};
  for (const std::string_view group : SettingGroups()) {
    properties[std::string(group)] = GroupSchema(group);
  }
  const Json schema = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "Configuration of cyto8, schema 1"},
      {"type", "object"},
      {"required", {"schema"}},
      {"additionalProperties", false},
      {"properties", properties}};
  return schema.dump(2) + "\n";
}

std::string ConfigTemplate() {
  std::string text =
      "# Configuration of cyto8, see docs/formats.md, section 5. What is left\n"
      "# out keeps the value of the weaker layers: flags > variables > "
      "project\n"
      "# file > user file > defaults. Paths are relative to this file.\n"
      "schema: " +
      std::to_string(kConfigSchema) + "\n";
  for (const std::string_view group : SettingGroups()) {
    text += "\n" + std::string(group) + ":\n";
    for (const Setting& setting : SettingsTable()) {
      if (setting.group == group) text += TemplateEntry(setting);
    }
  }
  return text;
}

std::string SettingsYaml(const ResolvedSettings& resolved, bool all) {
  std::string text = "schema: " + std::to_string(kConfigSchema) + "\n";
  std::string_view group;
  for (const SettingEntry& entry : resolved.entries) {
    if (!IsShown(entry, all)) continue;
    if (GroupOf(entry) != group) {
      group = GroupOf(entry);
      text += std::string(group) + ":\n";
    }
    text += "  " + entry.key.substr(group.size() + 1) + ": " + entry.value +
            "  # " + Printable(entry.origin) + "\n";
  }
  return text;
}

std::string SettingsJson(const ResolvedSettings& resolved, bool all) {
  Json settings = Json::array();
  for (const SettingEntry& entry : resolved.entries) {
    if (!IsShown(entry, all)) continue;
    settings.push_back({{"key", entry.key},
                        {"value", Json::parse(entry.value)},
                        {"origin", entry.origin}});
  }
  const Json json = {{"schema", kConfigSchema},
                     {"files", resolved.config_files},
                     {"settings", settings},
                     {"warnings", resolved.warnings}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cyto8
