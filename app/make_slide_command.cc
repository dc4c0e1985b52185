// SPDX-License-Identifier: Apache-2.0
// Made-up slides; see make_slide_command.h.
#include "app/make_slide_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "app/console.h"
#include "app/field_list.h"
#include "app/real_path.h"
#include "app/seeded_draw.h"
#include "app/sink.h"
#include "app/slide_scene.h"
#include "app/slide_truth.h"
#include "app/stop_signal.h"
#include "base/atomic_file.h"
#include "base/checked_math.h"
#include "base/numbers.h"
#include "tiling/slide_writer.h"

namespace cyto8 {
namespace {

// As KFB readers take it.
constexpr double kMinSlideMpp = 0.05;
constexpr double kMaxSlideMpp = 5;

struct NamedFormat {
  std::string_view name;
  std::string_view ending;
  SlideFormat format;
};
constexpr std::array<NamedFormat, 4> kFormats = {
    NamedFormat{"tiff", ".tif", SlideFormat::kTiff},
    NamedFormat{"tiff", ".tiff", SlideFormat::kTiff},
    NamedFormat{"svs", ".svs", SlideFormat::kSvs},
    NamedFormat{"kfb", ".kfb", SlideFormat::kKfb}};

// The name of the slide, taken apart.
struct SlideName {
  SlideFormat format = SlideFormat::kTiff;
  std::string folder = {};     // with its slash, or empty.
  std::string file_name = {};  // of the slide.
  std::string stem = {};       // folder and name without the ending.
};

StatusOr<SlideName> NameOf(const MakeSlideOptions& options) {
  const auto* named =
      std::ranges::find(kFormats, options.format, &NamedFormat::name);
  if (!options.format.empty() && named == kFormats.end()) {
    return InvalidArgument("--format " + options.format +
                           ": must be tiff, svs or kfb");
  }
  const size_t slash = options.output.rfind('/');
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  const std::string file_name = options.output.substr(begin);
  for (const NamedFormat& format : kFormats) {
    const bool wanted =
        options.format.empty() || format.format == named->format;
    if (!wanted || !file_name.ends_with(format.ending) ||
        file_name.size() == format.ending.size()) {
      continue;
    }
    return SlideName{.format = format.format,
                     .folder = options.output.substr(0, begin),
                     .file_name = file_name,
                     .stem = options.output.substr(
                         0, options.output.size() - format.ending.size())};
  }
  return InvalidArgument(options.output +
                         ": the name of a slide ends in .tif, "
                         ".tiff, .svs or .kfb, as its --format");
}

Status CheckMadeFrom(const std::string& text) {
  const bool is_plain = std::ranges::all_of(
      text, [](char c) { return c >= ' ' && c <= '~' && c != '|'; });
  if (is_plain && !text.empty()) return OkStatus();
  return InvalidArgument("--made-from: must be printable ASCII without '|'");
}

StatusOr<int64_t> LevelCount(const std::string& text, int64_t most) {
  if (text == "auto") return most;
  const StatusOr<int64_t> count = ParseInt64(text);
  if (!count.ok()) {
    return InvalidArgument("--levels " + text +
                           ": must be auto or a whole number");
  }
  CYTO8_RETURN_IF_ERROR(CheckRange("--levels", *count, 1, most));
  return *count;
}

// The objective that gives about this scale.
double MagnificationOf(double um_per_px) {
  constexpr double kScaleOf20 = 0.5;
  const double doublings = std::round(std::log2(kScaleOf20 / um_per_px));
  return std::ldexp(20, static_cast<int>(std::clamp(doublings, -2.0, 2.0)));
}

struct DamageOrder {
  DamageKind kind = DamageKind::kMissing;
  int64_t tiles = 1;
};

StatusOr<std::vector<DamageOrder>> DamageOrders(
    const std::vector<std::string>& texts, int64_t tiles) {
  std::vector<DamageOrder> orders;
  int64_t left = tiles;
  for (const std::string& text : texts) {
    const size_t colon = std::min(text.find(':'), text.size());
    CYTO8_ASSIGN_OR_RETURN(
        const DamageKind kind,
        Annotate(ParseDamageKind(text.substr(0, colon)), "--damage"));
    int64_t count = 1;
    if (colon < text.size()) {
      CYTO8_ASSIGN_OR_RETURN(count, Annotate(ParseInt64(text.substr(colon + 1)),
                                             "--damage " + text));
    }
    const bool cut_again =
        kind == DamageKind::kCut &&
        std::ranges::count(orders, DamageKind::kCut, &DamageOrder::kind) > 0;
    CYTO8_RETURN_IF_ERROR(CheckRange(
        "--damage " + text + ": tiles", count, 1,
        kind == DamageKind::kCut ? (cut_again ? 0 : std::min<int64_t>(left, 1))
                                 : left));
    left -= count;
    orders.push_back({.kind = kind, .tiles = count});
  }
  return orders;
}

// A tile of level 0 that shows some of a field, where one is found soon.
int64_t DrawTile(const SlideScene& scene, const SlideLevel& level,
                 SeededDraw& draw) {
  constexpr int kTries = 64;
  for (int i = 0; i < kTries; ++i) {
    const auto placement = scene.At(draw.Below(scene.slots()));
    if (!placement) continue;
    const SourceField& field =
        scene.fields()[static_cast<size_t>(placement->field)];
    const int64_t x = placement->x_px + draw.Below(field.width_px);
    const int64_t y = placement->y_px + draw.Below(field.height_px);
    return y / level.block_height_px * level.blocks_across() +
           x / level.block_width_px;
  }
  return draw.Below(level.blocks_across() * level.blocks_down());
}

// Another tile for each damage. The file is cut in the last of them, so that
// the others are in it.
std::vector<Damage> DrawDamage(const std::vector<DamageOrder>& orders,
                               const SlideScene& scene,
                               const SlideLevel& level) {
  SeededDraw draw(scene.seed() ^ 0xDA3A6E);
  std::vector<DamageKind> kinds;
  for (const DamageOrder& order : orders) {
    kinds.insert(kinds.end(), static_cast<size_t>(order.tiles), order.kind);
  }
  std::set<int64_t> taken;
  std::vector<int64_t> tiles;
  while (tiles.size() < kinds.size()) {
    int64_t tile = DrawTile(scene, level, draw);
    while (!taken.insert(tile).second) {
      tile = (tile + 1) % (level.blocks_across() * level.blocks_down());
    }
    tiles.push_back(tile);
  }
  const auto cut = std::ranges::find(kinds, DamageKind::kCut);
  if (cut != kinds.end()) {
    std::iter_swap(tiles.begin() + (cut - kinds.begin()),
                   std::ranges::max_element(tiles));
  }
  std::vector<Damage> damage;
  for (size_t i = 0; i < kinds.size(); ++i) {
    damage.push_back({.kind = kinds[i],
                      .column = tiles[i] % level.blocks_across(),
                      .row = tiles[i] / level.blocks_across()});
  }
  return damage;
}

// What is settled before the fields are read.
struct Plan {
  SlideName name;
  std::vector<SlideLevel> levels;
  int64_t level_count = 0;
  std::vector<DamageOrder> damage;
  SceneOptions scene;
};

StatusOr<Plan> MakePlan(const MakeSlideOptions& options) {
  Plan plan;
  CYTO8_ASSIGN_OR_RETURN(plan.name, NameOf(options));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("--mpp", options.um_per_px, kMinSlideMpp, kMaxSlideMpp));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("--quality", int64_t{options.quality}, 1, 100));
  CYTO8_RETURN_IF_ERROR(CheckMadeFrom(options.made_from));
  CYTO8_ASSIGN_OR_RETURN(plan.levels,
                         PyramidLevels(options.width_px, options.height_px,
                                       options.tile_px, options.limits));
  CYTO8_ASSIGN_OR_RETURN(
      plan.level_count,
      LevelCount(options.levels, static_cast<int64_t>(plan.levels.size())));
  CYTO8_ASSIGN_OR_RETURN(
      plan.damage,
      DamageOrders(options.damage, plan.levels[0].blocks_across() *
                                       plan.levels[0].blocks_down()));
  plan.scene = {.width_px = options.width_px,
                .height_px = options.height_px,
                .density = options.density,
                .seed = options.seed,
                .seams_px = options.seams_px,
                .limits = options.limits};
  if (plan.scene.seams_px == std::vector<int64_t>{0}) {
    plan.scene.seams_px.clear();
  }
  return plan;
}

// Fields, and where they lie. Points into itself, so it stays where it is.
struct Material {
  FieldList list;
  std::optional<FieldPixels> pixels;
  Rgb glass;
};

StatusOr<std::unique_ptr<Material>> ReadMaterial(
    FileSystem& files, const MakeSlideOptions& options) {
  auto material = std::make_unique<Material>();
  CYTO8_ASSIGN_OR_RETURN(material->list,
                         ReadFieldList(files, {.folder = options.fields,
                                               .truth = options.truth,
                                               .um_per_px = options.um_per_px,
                                               .limits = options.limits}));
  material->pixels.emplace(files, material->list.fields);
  CYTO8_ASSIGN_OR_RETURN(
      material->glass,
      BackgroundOf(*material->pixels,
                   static_cast<int64_t>(material->list.fields.size())));
  return material;
}

// All files that are written.
std::array<std::string, 3> OutputsOf(const Plan& plan,
                                     const MakeSlideOptions& options) {
  return {options.output, plan.name.stem + ".json",
          plan.name.stem + ".ATTRIBUTION.txt"};
}

Status CheckOutputs(const Plan& plan, const MakeSlideOptions& options,
                    const FieldList& list) {
  std::set<std::filesystem::path> inputs = {RealPath(options.truth)};
  for (const SourceField& field : list.fields) {
    inputs.insert(RealPath(field.path));
  }
  for (const std::string& output : OutputsOf(plan, options)) {
    if (!inputs.contains(RealPath(output))) continue;
    return InvalidArgument("-o " + options.output + ": " + output +
                           " would be written, and is an input");
  }
  return OkStatus();
}

// What the slide and its truth say of themselves.
std::string StatementOf(const MakeSlideOptions& options,
                        const FieldList& list) {
  return "synthetic, made from " + options.made_from +
         " by cyto8 make-slide; not a slide scan" +
         (list.attribution.empty() ? ""
                                   : "; attribution in the .json beside it");
}

// A slide of an earlier run goes before its truth does.
Status RemoveOld(FileSystem& files, const std::string& path) {
  const Status removed = files.Remove(path);
  return removed.code() == StatusCode::kNotFound ? OkStatus() : removed;
}

Status WriteTruth(FileSystem& files, const Plan& plan,
                  const MakeSlideOptions& options, const FieldList& list,
                  const SlideScene& scene, const SlideWriter& writer) {
  const SlideTruth truth = {
      .file_name = plan.name.file_name,
      .statement = StatementOf(options, list),
      .um_per_px = options.um_per_px,
      .levels = {plan.levels.begin(), plan.levels.begin() + plan.level_count},
      .scene = plan.scene,
      .quality = options.quality,
      .damage = writer.damage()};
  CYTO8_ASSIGN_OR_RETURN(AtomicFile file,
                         AtomicFile::Create(files, plan.name.stem + ".json"));
  CYTO8_RETURN_IF_ERROR(WriteSlideTruth(truth, list, scene, SinkTo(file)));
  CYTO8_RETURN_IF_ERROR(file.Commit());
  const std::string attribution = plan.name.stem + ".ATTRIBUTION.txt";
  if (list.attribution.empty()) return RemoveOld(files, attribution);
  return WriteFileAtomically(files, attribution, list.attribution);
}

Status WriteSlide(FileSystem& files, const Plan& plan,
                  const MakeSlideOptions& options, Material& material,
                  const StopSignal& stop) {
  CYTO8_ASSIGN_OR_RETURN(const SlideScene scene,
                         SlideScene::Create(material.list.fields, plan.scene));
  CYTO8_ASSIGN_OR_RETURN(
      const std::unique_ptr<SlideWriter> writer,
      CreateSlideWriter(
          files, plan.name.format,
          {.path = options.output,
           .levels = plan.levels,
           .level_count = plan.level_count,
           .um_per_px = options.um_per_px,
           .magnification = MagnificationOf(options.um_per_px),
           .quality = options.quality,
           .statement = StatementOf(options, material.list),
           .damage = DrawDamage(plan.damage, scene, plan.levels[0])}));
  ScenePainter painter(scene, *material.pixels, material.glass);
  const auto paint = [&](int64_t x_px, int64_t y_px, Image& dst) {
    if (stop.received()) return Status(StatusCode::kUnavailable, "stopped");
    return painter.Paint(x_px, y_px, dst);
  };
  CYTO8_RETURN_IF_ERROR(WritePyramid(plan.levels, paint, *writer));
  CYTO8_RETURN_IF_ERROR(writer->Finish());
  CYTO8_RETURN_IF_ERROR(RemoveOld(files, options.output));
  CYTO8_RETURN_IF_ERROR(
      WriteTruth(files, plan, options, material.list, scene, *writer));
  CYTO8_RETURN_IF_ERROR(writer->Commit());
  const SceneCount count = CountOf(scene);
  return PrintData(fmt::format(
      "{}: {} x {} px, {} levels, {} fields, {} cells, {} damaged places\n",
      options.output, options.width_px, options.height_px, plan.level_count,
      count.fields, count.cells, writer->damage().size()));
}

ExitCode Refuse(const Status& status) {
  PrintMessage(status.message());
  return ExitCodeOf(status);
}

}  // namespace

ExitCode RunMakeSlide(FileSystem& files, const MakeSlideOptions& options) {
  const StatusOr<Plan> plan = MakePlan(options);
  if (!plan.ok()) return Refuse(plan.status());
  const auto material = ReadMaterial(files, options);
  if (!material.ok()) {
    const ExitCode code = Refuse(material.status());
    return code == ExitCode::kRefused ? ExitCode::kNoInput : code;
  }
  const Status outputs = CheckOutputs(*plan, options, (*material)->list);
  if (!outputs.ok()) return Refuse(outputs);
  if ((*material)->list.attribution.empty()) {
    PrintMessage("warning: " + options.fields +
                 ": no ATTRIBUTION.txt there or beside --truth, so the slide "
                 "names no source of its fields");
  }
  const StopSignal stop;
  const Status status = WriteSlide(files, *plan, options, **material, stop);
  if (status.ok()) return ExitCode::kWhole;
  const ExitCode code = Refuse(status);
  return stop.received() ? stop.exit_code() : code;
}

}  // namespace cyto8
