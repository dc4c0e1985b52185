// SPDX-License-Identifier: Apache-2.0
// See quantize_command.h.
#include "app/quantize_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "app/calibration_run.h"
#include "app/console.h"
#include "app/cpu_quota.h"
#include "app/doctor_probe.h"
#include "app/input_list.h"
#include "app/layer_report_run.h"
#include "app/layer_report_writer.h"
#include "app/load_network.h"
#include "app/score_inputs.h"
#include "base/sha256.h"
#include "base/version.h"
#include "detector/graph/shape_inference.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kIndent = 1;

StatusOr<std::vector<SlideInput>> CalibrationInputs(
    FileSystem& files, const QuantizeCommandOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const InputList list,
                         ListInputs(files, options.images,
                                    {.output = {}, .limits = options.limits}));
  for (const Status& folder : list.unreadable) {
    CYTO8_RETURN_IF_ERROR(folder);
  }
  const std::string left_out = DescribeLeftOut(list);
  if (!left_out.empty()) PrintMessage(left_out);
  if (list.images.empty()) {
    return InvalidArgument(
        "--calib: no JPEG, PNG or TIFF file among the given files and folders");
  }
  ScoreSettings settings;
  settings.input.mpp = options.mpp;
  settings.input.mpp_from = options.mpp_from;
  return DescribeInputs(files, list.images, settings, options.limits);
}

StatusOr<SlidePlanner> PlannerFor(FileSystem& files, const ModelCard& card,
                                  const Limits& limits) {
  return SlidePlanner::Create(files, {.mode = TilingMode::kTiles,
                                      .model_mpp = card.mpp,
                                      .grid = {.tile_width_px = card.width_px,
                                               .tile_height_px = card.height_px,
                                               .overlap_px = 0},
                                      .limits = limits});
}

std::string ProvenanceText(const NetworkFile& file,
                           const QuantizeCommandOptions& options,
                           const CalibrationRun& run) {
  const QuantizeOptions& quantize = options.quantize;
  const Json json = {
      {"format", "cyto8-provenance"},
      {"version", 1},
      {"program", std::string(kVersion)},
      {"model_sha256", file.card().sha256},
      {"card_sha256", file.card_sha256()},
      {"calibration",
       {{"images", run.images},
        {"tiles", run.tiles},
        {"mpp", file.card().mpp},
        {"sha256", run.image_sha256}}},
      {"options",
       {{"range", std::string(RangeMethodName(quantize.range.method))},
        {"percentile", quantize.range.percentile},
        {"clip_weight", quantize.range.clip_weight},
        {"equalize", quantize.equalize},
        {"correct_bias", quantize.correct_bias},
        {"search_weights", quantize.search_weights},
        {"excluded_nodes", quantize.excluded_nodes},
        {"excluded_ops", quantize.excluded_ops}}}};
  return json.dump(kIndent) + "\n";
}

std::string RangesText(const QuantizedGraph& quantized) {
  Json layers = Json::array();
  for (const QuantizedLayer& layer : quantized.layers) {
    if (layer.range.max <= layer.range.min) continue;
    layers.push_back({{"name", layer.name},
                      {"min", layer.range.min},
                      {"max", layer.range.max},
                      {"method", std::string(RangeMethodName(layer.method))}});
  }
  return Json{{"format", "cyto8-ranges"}, {"version", 1}, {"values", layers}}
             .dump(kIndent) +
         "\n";
}

std::string PlanText(const QuantizedGraph& quantized) {
  Json layers = Json::array();
  for (const QuantizedLayer& layer : quantized.layers) {
    Json row = {{"name", layer.name}, {"kind", layer.kind}};
    if (layer.table_error_codes > 0) {
      row["table_error_codes"] = layer.table_error_codes;
    }
    if (layer.weight_sqnr_db > 0) row["weight_sqnr_db"] = layer.weight_sqnr_db;
    if (layer.equalized) row["alpha"] = layer.alpha;
    layers.push_back(std::move(row));
  }
  return Json{{"format", "cyto8-plan"},
              {"version", 1},
              {"layers", layers},
              {"float", quantized.float_nodes}}
             .dump(kIndent) +
         "\n";
}

StatusOr<Graph> Inferred(Graph graph, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(Graph live, RemoveDeadNodes(std::move(graph)));
  return InferShapes(std::move(live), limits);
}

class QuantizeRun {
 public:
  QuantizeRun(FileSystem& files, const QuantizeCommandOptions& options)
      : files_(files), options_(options) {}

  Status Run() {
    CYTO8_RETURN_IF_ERROR(CheckOutput());
    if (!options_.report.empty()) {
      CYTO8_RETURN_IF_ERROR(MakeDirectories(files_, options_.report));
    }
    CYTO8_ASSIGN_OR_RETURN(const std::vector<SlideInput> inputs,
                           CalibrationInputs(files_, options_));
    CYTO8_ASSIGN_OR_RETURN(
        const NetworkFile file,
        NetworkFile::Open(files_, options_.model, options_.limits));
    if (file.is_quantized()) {
      return InvalidArgument(options_.model + ": is quantized already");
    }
    CYTO8_ASSIGN_OR_RETURN(LoadedNetwork network,
                           file.Read(files_, options_.limits));
    CYTO8_ASSIGN_OR_RETURN(const Graph graph,
                           Inferred(std::move(network.graph), options_.limits));
    CYTO8_ASSIGN_OR_RETURN(const CalibrationRun run,
                           Calibrate(file.card(), graph, inputs));
    CYTO8_ASSIGN_OR_RETURN(
        QuantizedGraph quantized,
        Annotate(QuantizeGraph(graph, run.calibration, options_.quantize,
                               options_.limits),
                 file.model_path()));
    std::optional<LayerReport> report;
    if (!options_.report.empty()) {
      CYTO8_ASSIGN_OR_RETURN(report, Diagnose(graph, quantized, run));
    }
    CYTO8_RETURN_IF_ERROR(Write(file, run, std::move(quantized)));
    return report ? WriteReport(*report) : OkStatus();
  }

 private:
  Status CheckOutput() const {
    if (options_.output.ends_with(kModelFileEnding)) return OkStatus();
    return InvalidArgument("--output = " + options_.output +
                           ": must end in .cy8");
  }

  StatusOr<CalibrationRun> Calibrate(const ModelCard& card, const Graph& graph,
                                     std::span<const SlideInput> inputs) const {
    CYTO8_ASSIGN_OR_RETURN(const SlidePlanner planner,
                           PlannerFor(files_, card, options_.limits));
    CYTO8_ASSIGN_OR_RETURN(const auto plan,
                           MakeCalibrationPlan(graph, options_.quantize,
                                               {.limits = options_.limits}));
    const int64_t threads =
        options_.threads > 0
            ? options_.threads
            : UsableCpus(ProbeResources(files_, options_.environment));
    PrintMessage(fmt::format("calibrating on {} images", inputs.size()));
    return RunCalibration(files_, planner, inputs, plan,
                          {.threads = threads,
                           .width_px = card.width_px,
                           .height_px = card.height_px,
                           .pad = card.pad,
                           .max_samples = ReportTiles()});
  }

  int64_t ReportTiles() const {
    return options_.report.empty() ? 0 : kReportTiles;
  }

  StatusOr<LayerReport> Diagnose(const Graph& graph,
                                 const QuantizedGraph& quantized,
                                 const CalibrationRun& run) const {
    PrintMessage("comparing layer by layer");
    return RunLayerReport(graph, quantized, run.samples,
                          {.compile = {.limits = options_.limits}});
  }

  Status Write(const NetworkFile& file, const CalibrationRun& run,
               QuantizedGraph quantized) const {
    ModelFile model = {.card = file.card_text(),
                       .provenance = ProvenanceText(file, options_, run),
                       .ranges = RangesText(quantized),
                       .plan = PlanText(quantized)};
    model.graph = std::move(quantized.graph);
    CYTO8_RETURN_IF_ERROR(
        WriteModelFile(files_, options_.output, model, options_.limits));
    return PrintData(fmt::format(
        "{}: {} INT8 layers, {} float nodes; calibrated on {} tiles of {} "
        "images\n",
        options_.output, quantized.layers.size(), quantized.float_nodes.size(),
        run.tiles, run.images));
  }

  Status WriteReport(const LayerReport& report) const {
    CYTO8_RETURN_IF_ERROR(WriteLayerReport(files_, options_.report, report));
    return PrintData(LayerSummary(report));
  }

  FileSystem& files_;
  const QuantizeCommandOptions& options_;
};

}  // namespace

ExitCode RunQuantize(FileSystem& files, const QuantizeCommandOptions& options) {
  const Status status = QuantizeRun(files, options).Run();
  if (!status.ok()) PrintMessage(status.message());
  return ExitCodeOf(status);
}

}  // namespace cyto8
