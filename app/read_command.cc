// SPDX-License-Identifier: Apache-2.0
// See read_command.h.
#include "app/read_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "app/console.h"
#include "app/png_encoder.h"
#include "base/atomic_file.h"
#include "base/checked_math.h"
#include "tiling/image_opener.h"
#include "tiling/slide_regions.h"

namespace cyto8 {
namespace {

Status CheckInside(const PixelArea& area, int64_t width_px, int64_t height_px) {
  CYTO8_RETURN_IF_ERROR(CheckRange("--rect width", area.width_px, 1, width_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("--rect height", area.height_px, 1, height_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("--rect x", area.x_px, 0, width_px - area.width_px));
  return CheckRange("--rect y", area.y_px, 0, height_px - area.height_px);
}

StatusOr<Image> ReadOf(RowSource& rows, const PixelArea& area,
                       const Limits& limits) {
  const int64_t width = rows.info().width_px;
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         Image::Create(area.width_px, area.height_px, limits));
  std::vector<uint8_t> row(static_cast<size_t>(width * kRgbChannels));
  for (int64_t y = 0; y < rows.info().height_px; ++y) {
    CYTO8_RETURN_IF_ERROR(rows.ReadRows(1, row.data(), width * kRgbChannels));
    if (y < area.y_px || y >= area.y_px + area.height_px) continue;
    std::copy_n(row.data() + area.x_px * kRgbChannels,
                area.width_px * kRgbChannels, image.MutableRow(y - area.y_px));
  }
  return image;
}

StatusOr<Image> ReadOf(SlideReader& slide, int64_t level,
                       const PixelArea& area) {
  CYTO8_ASSIGN_OR_RETURN(
      const std::unique_ptr<SlideRegions> regions,
      SlideRegions::Create(slide, {.level = level, .cache_bytes = 0}));
  return regions->Read(area);
}

// What was asked for, once it is known what there is.
Status CheckAsked(const OpenedImage& image, const ReadOptions& options,
                  const PixelArea& area) {
  const int64_t levels =
      image.slide ? std::ssize(image.slide->info().levels) : 1;
  CYTO8_RETURN_IF_ERROR(CheckRange("--level", options.level, 0, levels - 1));
  if (image.rows) {
    const ImageInfo& info = image.rows->info();
    return CheckInside(area, info.width_px, info.height_px);
  }
  const SlideLevel& level =
      image.slide->info().levels[static_cast<size_t>(options.level)];
  return CheckInside(area, level.width_px, level.height_px);
}

// Of an image that cannot be read: 75 if it may be read later.
ExitCode CodeOfUnread(const Status& status) {
  const ExitCode code = ExitCodeOf(status);
  return code == ExitCode::kTemporary ? code : ExitCode::kNoInput;
}

StatusOr<ExitCode> Read(FileSystem& files, const ReadOptions& options) {
  const PixelArea area = {.x_px = options.rect[0],
                          .y_px = options.rect[1],
                          .width_px = options.rect[2],
                          .height_px = options.rect[3]};
  const StatusOr<OpenedImage> image =
      OpenImage(files, options.slide, options.limits);
  if (!image.ok()) {
    PrintMessage(image.status().message());
    return CodeOfUnread(image.status());
  }
  CYTO8_RETURN_IF_ERROR(
      Annotate(CheckAsked(*image, options, area), options.slide));
  const StatusOr<Image> pixels =
      image->rows ? ReadOf(*image->rows, area, options.limits)
                  : ReadOf(*image->slide, options.level, area);
  if (!pixels.ok()) {
    PrintMessage(pixels.status().message());
    return CodeOfUnread(pixels.status());
  }
  CYTO8_ASSIGN_OR_RETURN(const std::string png, EncodePng(pixels->view()));
  CYTO8_RETURN_IF_ERROR(WriteFileAtomically(files, options.output, png));
  return ExitCode::kWhole;
}

}  // namespace

ExitCode RunRead(FileSystem& files, const ReadOptions& options) {
  const StatusOr<ExitCode> code = Read(files, options);
  if (code.ok()) return *code;
  PrintMessage(code.status().message());
  return ExitCodeOf(code.status());
}

void AddReadCommand(CLI::App& app, CommandAction& action) {
  CLI::App* command =
      app.add_subcommand("read", "A rectangle of a slide's level as PNG");
  command->footer(
      "Example:\n  cyto8 read slide.svs --level 1 --rect 0,0,768,768 -o a.png");
  const auto options = std::make_shared<ReadOptions>();
  command->add_option("slide", options->slide, "slide or image")->required();
  command->add_option("--level", options->level, "0 is the full resolution")
      ->capture_default_str();
  command
      ->add_option("--rect", options->rect,
                   "X,Y,W,H, all in pixels of the level")
      ->delimiter(',')
      ->expected(4)
      ->required();
  command->add_option("-o,--output", options->output, "8-bit RGB PNG")
      ->required();
  command->callback([options, &action] {
    action = [options](FileSystem& files) { return RunRead(files, *options); };
  });
}

}  // namespace cyto8
