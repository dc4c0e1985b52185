// SPDX-License-Identifier: Apache-2.0
// See make_slide_command_line.h.
#include "app/make_slide_command_line.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "app/make_slide_command.h"

namespace cyto8 {
namespace {

void AddInputFlags(CLI::App& command, MakeSlideOptions& options) {
  command
      .add_option("fields", options.fields,
                  "folder of labelled images; ATTRIBUTION.txt in it, or beside "
                  "--truth, goes with the slide")
      ->required();
  command
      .add_option("--truth", options.truth,
                  "their COCO file: boxes, and um_per_px of each image")
      ->required();
  command
      .add_option("--made-from", options.made_from,
                  "what the fields are, for the statement in the slide")
      ->capture_default_str();
}

void AddSceneFlags(CLI::App& command, MakeSlideOptions& options) {
  command.add_option("--width", options.width_px, "in pixels")->required();
  command.add_option("--height", options.height_px, "in pixels")->required();
  command
      .add_option("--mpp", options.um_per_px,
                  "um per pixel of the slide; fields are resampled to it")
      ->capture_default_str();
  command.add_option("--seed", options.seed, "of all that is drawn")
      ->capture_default_str();
  command
      .add_option("--density", options.density,
                  "share of places that have a field; 0: background alone")
      ->capture_default_str();
  command
      .add_option("--seam-px", options.seams_px,
                  "distances of seams: each field is placed so that a cell "
                  "lies on one of them; 0: anywhere")
      ->delimiter(',')
      ->capture_default_str();
}

void AddFileFlags(CLI::App& command, MakeSlideOptions& options) {
  command
      .add_option("-o,--output", options.output,
                  "the slide: .tif, .tiff, .svs or .kfb; NAME.json and "
                  "NAME.ATTRIBUTION.txt go beside it, where none of the three "
                  "may be an input")
      ->required();
  command.add_option("--format", options.format,
                     "tiff, svs or kfb; default: as the name says");
  command.add_option("--quality", options.quality, "of JPEG tiles, 1 to 100")
      ->capture_default_str();
  command.add_option("--tile-px", options.tile_px, "side of the file's tiles")
      ->capture_default_str();
  command
      .add_option("--levels", options.levels,
                  "how many; auto: down to one that fits a tile")
      ->capture_default_str();
  command
      .add_option("--damage", options.damage,
                  "KIND or KIND:TILES: missing, truncated, wrong-length, "
                  "flips, zeroed, cut; several by comma")
      ->delimiter(',');
}

}  // namespace

void AddMakeSlideCommand(CLI::App& app, CommandAction& action) {
  const auto options = std::make_shared<MakeSlideOptions>();
  CLI::App* command = app.add_subcommand(
      "make-slide", "A synthetic slide from labelled fields, with its truth");
  command->footer(
      "Example:\n  cyto8 make-slide data/fields --truth "
      "data/fields/fields.json --width 20000 --height 20000 --mpp 0.5 "
      "--damage missing:3,flips -o made.svs");
  AddInputFlags(*command, *options);
  AddSceneFlags(*command, *options);
  AddFileFlags(*command, *options);
  command->callback([=, &action] {
    action = [=](FileSystem& files) { return RunMakeSlide(files, *options); };
  });
}

}  // namespace cyto8
