// Checks every row of the gradient table, and that no primitive lacks one.
#include "grad_table.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace cotangent::testing {

namespace {

std::vector<GradRow> all_rows() {
  std::vector<GradRow> rows;
  for (auto part : {arithmetic_rows, conv_rows, elementwise_rows, gather_rows, matmul_rows, movement_rows, pool_rows,
                    reduce_rows, signal_rows}) {
    const std::vector<GradRow> more = part();
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

class GradTable : public ::testing::TestWithParam<GradRow> {};

TEST_P(GradTable, AgreesWithFiniteDifferencesToOrderTwo) {
  const GradRow& row = GetParam();
  EXPECT_EQ(check_grads(row.f, row.inputs, {.order = 2, .multilinear = row.multilinear}), "");
}

// The fourteen compositions of modes: forward over reverse over forward, and so on.
TEST_P(GradTable, AgreesInMixedModesToOrderThree) {
  const GradRow& row = GetParam();
  EXPECT_EQ(check_grads(row.f, row.inputs,
                        {.order = 3, .modes = {GradMode::Reverse, GradMode::Forward}, .multilinear = row.multilinear}),
            "");
}

// The differences are those of Float64, so that the tolerance is tight.
TEST_P(GradTable, AgreesInFloat32) {
  const GradRow& row = GetParam();
  Tensors inputs;
  for (const Tensor& input : row.inputs) inputs.push_back(input.to(DType::Float32));
  EXPECT_EQ(check_grads(row.f, inputs, {.multilinear = row.multilinear}), "");
}

INSTANTIATE_TEST_SUITE_P(Rows, GradTable, ::testing::ValuesIn(all_rows()),
                         [](const auto& row) { return row.param.primitive + "_" + row.param.what; });

// Primitives give their names in one of two ways, which CONTRIBUTING.md asks for and this test relies on.
TEST(GradTableIsComplete, EveryPrimitiveHasARow) {
  const std::regex named(R"re((?:name\(\) const override \{ return|constexpr std::string_view name =) "(\w+)")re");
  std::set<std::string> primitives, covered;
  for (const char* layer : {"autograd", "ops", "nn"})
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(COTANGENT_SOURCE_DIR) / layer)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      std::stringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      const std::string source = text.str();
      for (std::sregex_iterator match(source.begin(), source.end(), named), end; match != end; ++match)
        primitives.insert((*match)[1]);
    }
  for (const GradRow& row : all_rows()) covered.insert(row.primitive);
  EXPECT_GE(primitives.size(), 8u);
  for (const std::string& primitive : primitives)
    EXPECT_TRUE(covered.count(primitive)) << primitive << " has no row in the gradient table";
  for (const std::string& row : covered) EXPECT_TRUE(primitives.count(row)) << "row " << row << " names no primitive";
}

}  // namespace
}  // namespace cotangent::testing
