// SPDX-License-Identifier: Apache-2.0
// Flags to settings; see eval_command_line.h.
#include "app/eval_command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/compare_command.h"
#include "app/console.h"
#include "app/eval_command.h"
#include "app/eval_settings.h"
#include "base/checked_math.h"
#include "base/numbers.h"
#include "eval/outcomes.h"

namespace cyto8 {
namespace {

// As given. Numbers are kept as text: CLI11 would accept "nan" and "1e999".
struct Flags {
  std::string truth = {};
  std::string predictions = {};  // of eval.
  std::string first = {};        // of compare.
  std::string second = {};
  std::string json = {};
  std::string curves = {};
  std::string style = "default";
  std::string match = "iou";
  std::vector<std::string> groups = {};
  bool plus_one = false;
  bool iou_above = false;
  bool class_agnostic = false;
  bool allow_missing = false;
  std::optional<std::string> interpolation = {};
  std::optional<std::string> distance_px = {};
  std::optional<std::string> iou = {};
  std::optional<std::string> max_dets = {};
  std::optional<std::string> ignore_border = {};
  std::optional<std::string> min_score = {};
  std::optional<std::string> min_map = {};
  std::optional<std::string> agreement_score = {};
  std::optional<std::string> max_drop = {};
  std::optional<std::string> min_agreement = {};
  std::optional<std::string> bootstrap = {};
  std::optional<std::string> seed = {};
};

// An empty value is given, unlike none; CLI11's own optional drops it.
void AddText(CLI::App& command, const char* flag,
             std::optional<std::string>& text, const char* help) {
  command.add_option_function<std::string>(
      flag, [&text](const std::string& value) { text = value; }, help);
}

void AddCommonFlags(CLI::App& command, Flags& flags) {
  command.add_option("--gt", flags.truth, "COCO JSON with the truth");
  command.add_option("--json", flags.json, "file for the figures as JSON");
  command
      .add_option("--match", flags.match,
                  "iou, or centre: boxes match by the distance of centres")
      ->check(CLI::IsMember({"iou", "centre", "center"}))
      ->capture_default_str();
  AddText(command, "--distance-px", flags.distance_px,
          "with --match centre: px, default 20");
  AddText(command, "--iou", flags.iou,
          "IoU thresholds, X or X,Y,...; default 0.50:0.05:0.95, voc 0.5");
  AddText(command, "--max-dets", flags.max_dets,
          "detections of an image and class that count: N, all, or three "
          "values as of COCO; default all, --style coco 1,10,100");
  command.add_flag("--class-agnostic", flags.class_agnostic,
                   "do not tell classes apart");
  command
      .add_option("--group", flags.groups,
                  "NAME=CLASS,CLASS,...: also evaluate these as one class; "
                  "default: the groups of the model card")
      ->allow_extra_args(false);
  AddText(command, "--ignore-border", flags.ignore_border,
          "px at the edge of images where labels do not count");
  AddText(command, "--min-score", flags.min_score, "keep scores above it");
  AddText(command, "--bootstrap", flags.bootstrap,
          "resamples of images for intervals; eval: default 0, none; compare: "
          "default 1000");
  AddText(command, "--seed", flags.seed, "of --bootstrap, default 1");
  command.add_flag("--allow-missing", flags.allow_missing,
                   "evaluate the images that truth and results both have");
}

void AddEvalFlags(CLI::App& command, Flags& flags) {
  command.get_option("--gt")->required();
  command
      .add_option("--pred", flags.predictions,
                  "output folder of cyto8 score, or a COCO results list")
      ->required();
  command
      .add_option("--style", flags.style,
                  "default, coco (pycocotools to the letter) or voc")
      ->check(CLI::IsMember({"default", "coco", "voc"}))
      ->capture_default_str();
  AddText(command, "--interpolation", flags.interpolation,
          "with --style voc: all (points, default) or 11");
  command.add_flag("--plus-one", flags.plus_one,
                   "with --style voc: sides are x2 - x1 + 1");
  command.add_flag("--iou-above", flags.iou_above,
                   "with --style voc: IoU > threshold, not >=");
  command.add_option("--curves", flags.curves,
                     "folder for precision-recall curves, SVG and CSV");
  AddText(command, "--min-map", flags.min_map,
          "exit with 5 if the mean of classes of the first AP is below");
}

void AddCompareFlags(CLI::App& command, Flags& flags) {
  command.get_option("--gt")->description(
      "COCO JSON with the truth; without it only the agreement of B with A, an "
      "output folder");
  AddText(command, "--agreement-score", flags.agreement_score,
          "what A finds with this score or more is truth for B; default 0.3");
  AddText(command, "--max-drop", flags.max_drop,
          "GROUP=POINTS,...: exit with 5 if the first AP of a group falls by "
          "more hundredths from A to B; mAP: the mean of classes");
  AddText(command, "--min-agreement", flags.min_agreement,
          "GROUP=AP,...: exit with 5 if B agrees less with A");
}

StatusOr<double> Number(const char* flag, const std::string& text, double low,
                        double high) {
  CYTO8_ASSIGN_OR_RETURN(const double value, Annotate(ParseDouble(text), flag));
  CYTO8_RETURN_IF_ERROR(CheckRange(flag, value, low, high));
  return value;
}

StatusOr<int64_t> Integer(const char* flag, const std::string& text,
                          int64_t low, int64_t high) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t value, Annotate(ParseInt64(text), flag));
  CYTO8_RETURN_IF_ERROR(CheckRange(flag, value, low, high));
  return value;
}

std::vector<std::string> SplitCommas(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t comma = 0; comma != std::string_view::npos;) {
    comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
  }
  return parts;
}

// "name=number,..."; a name may hold '='.
StatusOr<std::vector<FigureDemand>> Demands(
    const char* flag, const std::optional<std::string>& text, double most) {
  std::vector<FigureDemand> demands;
  if (!text) return demands;
  for (const std::string& part : SplitCommas(*text)) {
    const size_t equals = part.rfind('=');
    if (equals == 0 || equals == std::string::npos) {
      return InvalidArgument(std::string(flag) + ": \"" + part +
                             "\": must be NAME=NUMBER");
    }
    FigureDemand demand = {.name = part.substr(0, equals)};
    const std::string place = std::string(flag) + " " + demand.name;
    CYTO8_ASSIGN_OR_RETURN(
        demand.value,
        Number(place.c_str(), part.substr(equals + 1), /*low=*/0, most));
    if (std::ranges::count(demands, demand.name, &FigureDemand::name) > 0) {
      return InvalidArgument(place + ": stands twice");
    }
    demands.push_back(std::move(demand));
  }
  return demands;
}

StatusOr<std::vector<double>> IouThresholds(const std::string& text) {
  std::vector<double> thresholds;
  for (const std::string& part : SplitCommas(text)) {
    CYTO8_ASSIGN_OR_RETURN(const double value,
                           Number("--iou", part, kMinIouThreshold, 1));
    thresholds.push_back(value);
  }
  CYTO8_RETURN_IF_ERROR(CheckLevels("--iou", thresholds, kMinIouThreshold, 1));
  return thresholds;
}

// One value stands for the last of three.
StatusOr<std::vector<int64_t>> MaxDetections(const std::string& text) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const std::vector<std::string> parts = SplitCommas(text);
  std::vector<int64_t> values;
  for (const std::string& part : parts) {
    if (part == "all" && values.size() + 1 == parts.size()) {
      values.push_back(kAllDetections);
      break;
    }
    const int64_t least = values.empty() ? 1 : values.back() + 1;
    CYTO8_ASSIGN_OR_RETURN(const int64_t value,
                           Integer("--max-dets", part, least, kMost));
    values.push_back(value);
  }
  if (values.size() == 3) return values;
  if (values.size() != 1) {
    return InvalidArgument("--max-dets: \"" + text +
                           "\": must be one value or three");
  }
  if (values[0] == kAllDetections || values[0] > 10) {
    return std::vector<int64_t>{1, 10, values[0]};
  }
  return InvalidArgument("--max-dets = " + text +
                         ": must be above 10; for fewer give three values");
}

// Which flags go together.
Status CheckCombination(const Flags& flags) {
  const bool centre = flags.match != "iou";
  const bool coco = flags.style == "coco";
  const bool voc = flags.style == "voc";
  const auto refuse = [](const char* flag, const char* what) {
    return InvalidArgument(std::string(flag) + ": " + what);
  };
  if (centre && (coco || voc)) {
    return refuse("--match centre", "only with --style default");
  }
  if (flags.distance_px && !centre) {
    return refuse("--distance-px", "only with --match centre");
  }
  if (flags.iou && (centre || coco)) {
    return refuse("--iou", "not with --match centre, nor with --style coco");
  }
  if (flags.max_dets && (centre || voc)) {
    return refuse("--max-dets",
                  "not with --match centre, nor with --style voc");
  }
  if (flags.bootstrap && voc) {
    return refuse("--bootstrap",
                  "intervals are of the 101-point AP: not with "
                  "--style voc");
  }
  if (voc) return OkStatus();
  if (flags.interpolation) {
    return refuse("--interpolation", "only with --style voc");
  }
  if (flags.plus_one) return refuse("--plus-one", "only with --style voc");
  if (flags.iou_above) return refuse("--iou-above", "only with --style voc");
  return OkStatus();
}

Status SetStyle(const Flags& flags, EvalSettings& settings) {
  if (flags.style == "coco") {
    settings.style = EvalStyle::kCoco;
    settings.max_detections = {1, 10, 100};
  }
  if (flags.match != "iou") settings.match = EvalMatch::kCentre;
  if (flags.style != "voc") return OkStatus();
  settings.style = EvalStyle::kVoc;
  settings.iou_thresholds = {0.5};
  settings.plus_one = flags.plus_one;
  settings.iou_above = flags.iou_above;
  settings.interpolation = Interpolation::kAllPoint;
  if (!flags.interpolation || *flags.interpolation == "all") return OkStatus();
  settings.interpolation = Interpolation::kVoc11;
  return *flags.interpolation == "11"
             ? OkStatus()
             : InvalidArgument("--interpolation: \"" + *flags.interpolation +
                               "\": must be all or 11");
}

Status SetNumbers(const Flags& flags, EvalSettings& settings) {
  constexpr double kMostPx = 1e9;
  constexpr double kMostScore = 1e100;
  if (flags.iou) {
    CYTO8_ASSIGN_OR_RETURN(settings.iou_thresholds, IouThresholds(*flags.iou));
  }
  if (flags.max_dets) {
    CYTO8_ASSIGN_OR_RETURN(settings.max_detections,
                           MaxDetections(*flags.max_dets));
  }
  if (flags.distance_px) {
    CYTO8_ASSIGN_OR_RETURN(
        settings.distance_px,
        Number("--distance-px", *flags.distance_px, 0, kMostPx));
  }
  if (flags.ignore_border) {
    CYTO8_ASSIGN_OR_RETURN(
        settings.ignore_border_px,
        Number("--ignore-border", *flags.ignore_border, 0, kMostPx));
  }
  if (flags.min_score) {
    CYTO8_ASSIGN_OR_RETURN(
        settings.min_score,
        Number("--min-score", *flags.min_score, -kMostScore, kMostScore));
  }
  return OkStatus();
}

Status SetBootstrap(const Flags& flags, int64_t least, int64_t usual,
                    BootstrapOptions& bootstrap) {
  bootstrap.resamples = usual;
  if (flags.bootstrap) {
    CYTO8_ASSIGN_OR_RETURN(
        bootstrap.resamples,
        Integer("--bootstrap", *flags.bootstrap, least, kMaxResamples));
  }
  if (!flags.seed) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t seed,
      Integer("--seed", *flags.seed, 0, std::numeric_limits<int64_t>::max()));
  bootstrap.seed = static_cast<uint64_t>(seed);
  return OkStatus();
}

StatusOr<EvalSettings> SettingsOf(const Flags& flags) {
  EvalSettings settings = {.class_agnostic = flags.class_agnostic,
                           .groups = flags.groups,
                           .allow_missing = flags.allow_missing};
  CYTO8_RETURN_IF_ERROR(CheckCombination(flags));
  CYTO8_RETURN_IF_ERROR(SetStyle(flags, settings));
  CYTO8_RETURN_IF_ERROR(SetNumbers(flags, settings));
  return settings;
}

StatusOr<EvalCommandOptions> EvalOptions(const Flags& flags) {
  EvalCommandOptions options = {.truth = flags.truth,
                                .predictions = flags.predictions,
                                .json = flags.json,
                                .curves = flags.curves};
  CYTO8_ASSIGN_OR_RETURN(options.settings, SettingsOf(flags));
  CYTO8_RETURN_IF_ERROR(SetBootstrap(flags, /*least=*/0, /*usual=*/0,
                                     options.settings.bootstrap));
  if (flags.min_map) {
    CYTO8_ASSIGN_OR_RETURN(options.min_map,
                           Number("--min-map", *flags.min_map, 0, 1));
  }
  return options;
}

// Agreement is measured in one way, so flags that choose another need a truth.
Status CheckAgreementAlone(const Flags& flags) {
  if (!flags.truth.empty()) return OkStatus();
  const std::pair<const char*, bool> of_truth[] = {
      {"--match centre", flags.match != "iou"},
      {"--iou", flags.iou.has_value()},
      {"--max-dets", flags.max_dets.has_value()},
      {"--class-agnostic", flags.class_agnostic},
      {"--ignore-border", flags.ignore_border.has_value()},
      {"--max-drop", flags.max_drop.has_value()}};
  for (const auto& [flag, is_given] : of_truth) {
    if (is_given) {
      return InvalidArgument(std::string(flag) + ": only with --gt");
    }
  }
  return OkStatus();
}

Status SetDemands(const Flags& flags, CompareCommandOptions& options) {
  constexpr double kMostPoints = 100;
  if (flags.agreement_score) {
    CYTO8_ASSIGN_OR_RETURN(
        options.agreement_score,
        Number("--agreement-score", *flags.agreement_score, 0, 1));
  }
  CYTO8_ASSIGN_OR_RETURN(options.max_drop,
                         Demands("--max-drop", flags.max_drop, kMostPoints));
  CYTO8_ASSIGN_OR_RETURN(
      options.min_agreement,
      Demands("--min-agreement", flags.min_agreement, /*most=*/1));
  return OkStatus();
}

StatusOr<CompareCommandOptions> CompareOptions(const Flags& flags) {
  constexpr int64_t kUsual = 1000;
  CYTO8_RETURN_IF_ERROR(CheckAgreementAlone(flags));
  CompareCommandOptions options = {.truth = flags.truth,
                                   .first = flags.first,
                                   .second = flags.second,
                                   .json = flags.json};
  CYTO8_ASSIGN_OR_RETURN(options.settings, SettingsOf(flags));
  CYTO8_RETURN_IF_ERROR(
      SetBootstrap(flags, /*least=*/1, kUsual, options.settings.bootstrap));
  CYTO8_RETURN_IF_ERROR(SetDemands(flags, options));
  return options;
}

// What runs the command, or says why its flags are refused.
template <typename Options>
CommandAction ActionOf(const StatusOr<Options>& options,
                       ExitCode (*run)(FileSystem&, const Options&)) {
  if (options.ok()) {
    return [options = *options, run](FileSystem& files) {
      return run(files, options);
    };
  }
  return [status = options.status()](FileSystem&) {
    PrintMessage(status.message());
    return ExitCodeOf(status);
  };
}

}  // namespace

void AddEvalCommands(CLI::App& app, CommandAction& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* eval =
      app.add_subcommand("eval", "How good detections are, given the truth");
  eval->footer("Example:\n  cyto8 eval --gt truth.json --pred out");
  AddCommonFlags(*eval, *flags);
  AddEvalFlags(*eval, *flags);
  eval->callback(
      [flags, &action] { action = ActionOf(EvalOptions(*flags), RunEval); });
  CLI::App* compare = app.add_subcommand(
      "compare", "Whether two results differ by more than chance");
  compare->footer("Example:\n  cyto8 compare fp32 int8 --gt truth.json");
  compare
      ->add_option("a", flags->first,
                   "output folder of cyto8 score, or a COCO results list")
      ->required();
  compare->add_option("b", flags->second, "the same")->required();
  AddCommonFlags(*compare, *flags);
  AddCompareFlags(*compare, *flags);
  compare->callback([flags, &action] {
    action = ActionOf(CompareOptions(*flags), RunCompare);
  });
}

}  // namespace cyto8
