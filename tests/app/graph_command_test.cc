// SPDX-License-Identifier: Apache-2.0
// Tests of app/graph_command.h: files in, files out, exit codes.
#include "app/graph_command.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/npy.h"
#include "tests/app/app_fixture.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

// A folder with model.pb (y/z = x + x) and x.npy = {1, 2}.
class GraphCommandTest : public testing::Test {
 protected:
  GraphCommandTest() {
    GraphDefBuilder builder;
    builder.Placeholder("x", {1, 2});
    builder.Node("AddV2", "y/z", {"x", "x"});
    folder_.Put("model.pb", TextOf(builder.ToBytes()));
    PutFloats("x.npy", {1, 2});
  }

  void PutFloats(std::string_view name, const std::vector<float>& values) {
    const int64_t shape[] = {1, static_cast<int64_t>(values.size())};
    folder_.Put(name, TextOf(SerializeNpy(NpyType::kFloat32, shape,
                                          std::as_bytes(std::span(values)))
                                 .value()));
  }

  GraphRunOptions Options() const {
    GraphRunOptions options;
    options.model = folder_.PathOf("model.pb");
    options.inputs = {"x=" + folder_.PathOf("x.npy")};
    options.output = folder_.PathOf("deep/out");
    return options;
  }

  Outcome Run(const GraphRunOptions& options) {
    return Caught([&] { return RunGraph(RealFileSystem(), options); });
  }

  std::string Refusal(const GraphRunOptions& options) {
    const Outcome outcome = Run(options);
    EXPECT_EQ(outcome.code, ExitCode::kRefused);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  }

  TemporaryFolder folder_;
};

TEST_F(GraphCommandTest, AFileIsNamedAfterItsTensor) {
  const Outcome outcome = Run(Options());
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  const NpyArray array =
      ParseNpy(ReadBytes(folder_.PathOf("deep/out/y_z.npy"))).value();
  EXPECT_EQ(array.shape, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(array.As<float>()[0], 2);
  EXPECT_EQ(array.As<float>()[1], 4);
}

TEST_F(GraphCommandTest, AnInputNameMayEndInColonZero) {
  GraphRunOptions options = Options();
  options.inputs = {"x:0=" + folder_.PathOf("x.npy")};
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
}

TEST_F(GraphCommandTest, TheFusedNetworkGivesTheSame) {
  GraphRunOptions options = Options();
  options.fused = true;
  options.engine = Engine::kNaive;
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  const NpyArray array =
      ParseNpy(ReadBytes(folder_.PathOf("deep/out/y_z.npy"))).value();
  EXPECT_EQ(array.As<float>()[1], 4);
}

TEST_F(GraphCommandTest, BadArgumentsAreRefusedWithTheirText) {
  GraphRunOptions options = Options();
  options.inputs = {"x"};
  EXPECT_EQ(Refusal(options),
            "cyto8: --input x: must have the form NAME=FILE.npy\n");
  options.inputs = {"=x.npy"};
  EXPECT_EQ(Refusal(options),
            "cyto8: --input =x.npy: must have the form NAME=FILE.npy\n");
  options = Options();
  options.inputs.push_back(options.inputs[0]);
  EXPECT_EQ(Refusal(options), "cyto8: --input x: is given twice\n");
}

TEST_F(GraphCommandTest, FilesThatCannotBeReadAreNamed) {
  GraphRunOptions options = Options();
  options.model = folder_.PathOf("none.pb");
  EXPECT_EQ(Refusal(options),
            "cyto8: " + options.model + ": No such file or directory\n");
  options = Options();
  options.inputs = {"x=" + folder_.PathOf("none.npy")};
  EXPECT_EQ(Refusal(options), "cyto8: " + folder_.PathOf("none.npy") +
                                  ": No such file or directory\n");
  folder_.Put("cut.npy", "\x93NUMPY");
  options.inputs = {"x=" + folder_.PathOf("cut.npy")};
  EXPECT_TRUE(
      Refusal(options).starts_with("cyto8: " + folder_.PathOf("cut.npy: ")));
  folder_.Put("noise.pb", "noise");
  options = Options();
  options.model = folder_.PathOf("noise.pb");
  EXPECT_TRUE(
      Refusal(options).starts_with("cyto8: " + folder_.PathOf("noise.pb: ")));
}

TEST_F(GraphCommandTest, AnOutputFolderThatCannotBeMadeIsRefused) {
  GraphRunOptions options = Options();
  options.output = "/proc/no-folder/out";
  EXPECT_EQ(Refusal(options),
            "cyto8: /proc/no-folder: No such file or directory\n");
}

// "a/b" and "a_b" would be one file.
TEST_F(GraphCommandTest, OutputsThatWouldShareAFileAreRefused) {
  GraphDefBuilder builder;
  builder.Placeholder("x", {1, 2});
  builder.Node("AddV2", "a/b", {"x", "x"});
  builder.Node("Relu", "a_b", {"x"});
  folder_.Put("model.pb", TextOf(builder.ToBytes()));
  EXPECT_EQ(Refusal(Options()),
            "cyto8: outputs a/b and a_b: would both be written to a_b.npy\n");
  EXPECT_FALSE(std::filesystem::exists(folder_.PathOf("deep")));
}

// The name of a tensor cannot lead out of the folder.
TEST_F(GraphCommandTest, AHostileTensorNameStaysInTheFolder) {
  GraphDefBuilder builder;
  builder.Placeholder("x", {1, 2});
  builder.Node("AddV2", "../../escaped", {"x", "x"});
  folder_.Put("model.pb", TextOf(builder.ToBytes()));
  const Outcome outcome = Run(Options());
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_EQ(folder_.Names(),
            (std::vector<std::string>{"deep", "model.pb", "x.npy"}));
  EXPECT_TRUE(
      std::filesystem::exists(folder_.PathOf("deep/out/.._.._escaped.npy")));
}

TEST_F(GraphCommandTest, SummarizePrintsTheSummary) {
  GraphSummarizeOptions options;
  options.model = folder_.PathOf("model.pb");
  const Outcome outcome =
      Caught([&] { return RunGraphSummarize(RealFileSystem(), options); });
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  EXPECT_TRUE(outcome.out.starts_with("file: GraphDef, binary, 2 nodes"));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(GraphCommandTest, SummarizeOfAMissingFileIsRefused) {
  GraphSummarizeOptions options;
  options.model = folder_.PathOf("none.pb");
  const Outcome outcome =
      Caught([&] { return RunGraphSummarize(RealFileSystem(), options); });
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "cyto8: " + options.model + ": No such file or directory\n");
}

}  // namespace
}  // namespace cyto8
