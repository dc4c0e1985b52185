// SPDX-License-Identifier: Apache-2.0
// See quantize_command_line.h.
#include "app/quantize_command_line.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/console.h"
#include "app/quantize_command.h"

namespace cyto8 {
namespace {

// The clipping of as many layers adds up as follow each other, some 60 in D2.
// Measured on two models and four draws of 64 fields: 4 to 64 give logits of
// scored boxes about equally close to those of FP32, 1, the least noise of each
// layer by itself, and ranges that clip nothing far worse.
constexpr double kClipWeight = 40;

struct Words {
  QuantizeCommandOptions options = {};
  std::string range = "mse";
  bool no_equalize = false;
  bool no_bias_correction = false;
  bool no_weight_search = false;
};

ExitCode Run(FileSystem& files, const Words& words,
             const Environment& environment) {
  QuantizeCommandOptions options = words.options;
  options.environment = environment;
  const StatusOr<RangeMethod> method = ParseRangeMethod(words.range);
  if (!method.ok()) {
    PrintMessage("--range: " + method.status().message());
    return ExitCodeOf(method.status());
  }
  options.quantize.range.method = *method;
  options.quantize.equalize = !words.no_equalize;
  options.quantize.correct_bias = !words.no_bias_correction;
  options.quantize.search_weights = !words.no_weight_search;
  return RunQuantize(files, options);
}

void AddQuantizeFlags(CLI::App& command, Words& words) {
  QuantizeCommandOptions& options = words.options;
  command
      .add_option("-m,--model", options.model,
                  "FP32 model card (.yaml), or the model beside it")
      ->required();
  command
      .add_option("--calib", options.images,
                  "calibration images, and folders of them: from the training "
                  "set, never from one that will be evaluated")
      ->required();
  command.add_option("--mpp", options.mpp, "um per pixel of all images");
  command.add_option("--mpp-from", options.mpp_from,
                     "file with um per pixel by image");
  command
      .add_option("-o,--output", options.output,
                  "the INT8 model to write, .cy8")
      ->required();
  command.add_option("--report", options.report,
                     "folder for layers.txt, .csv, .svg: what each INT8 layer "
                     "errs by and costs");
  command.add_option("--threads", options.threads,
                     "default: as many as the process may use");
  command
      .add_option("--range", words.range,
                  "how ranges are chosen: min_max, percentile, kl, mse, search")
      ->capture_default_str();
  command
      .add_option("--percentile", options.quantize.range.percentile,
                  "of --range percentile and search")
      ->capture_default_str();
  options.quantize.range.clip_weight = kClipWeight;
  command
      .add_option("--clip-weight", options.quantize.range.clip_weight,
                  "of --range mse and the weight search: what the noise of "
                  "values that are cut off counts, at least 1")
      ->capture_default_str();
  command.add_flag("--no-equalize", words.no_equalize,
                   "one scale for all channels between depthwise and 1x1");
  command.add_flag("--no-bias-correction", words.no_bias_correction,
                   "leave the mean error of rounded weights");
  command.add_flag("--no-weight-search", words.no_weight_search,
                   "scale each output's weights by their largest alone");
  command.add_option("--exclude-node", options.quantize.excluded_nodes,
                     "a node that stays float; may be repeated");
  command.add_option("--exclude-op", options.quantize.excluded_ops,
                     "an operator that stays float; may be repeated");
}

}  // namespace

void AddQuantizeCommand(CLI::App& app, const Environment& environment,
                        CommandAction& action) {
  const auto words = std::make_shared<Words>();
  CLI::App* command =
      app.add_subcommand("quantize", "Calibrate and quantize a model to INT8");
  command->footer(
      "Example:\n  cyto8 quantize --model data/models/d2-cells.yaml --calib "
      "train --mpp-from train.json -o d2-cells.cy8");
  AddQuantizeFlags(*command, *words);
  command->callback([=, &action] {
    action = [=](FileSystem& files) { return Run(files, *words, environment); };
  });
}

}  // namespace cyto8
