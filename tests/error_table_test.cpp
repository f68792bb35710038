// Checks every row of the error table: the exact text, and that it comes before any arithmetic.
#include "error_table.h"

#include <gtest/gtest.h>

#include <set>

namespace cotangent::testing {
namespace {

std::vector<ErrorRow> all_rows() {
  std::vector<ErrorRow> rows;
  for (auto part : {conv_errors, file_errors, gradient_errors, layer_errors, model_errors, operation_errors,
                    tensor_errors, training_errors}) {
    const std::vector<ErrorRow> more = part();
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

// What the call throws, which must be an Error and no other exception.
std::string text_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no Error";
}

class ErrorTable : public ::testing::TestWithParam<ErrorRow> {};

TEST_P(ErrorTable, SaysWhatIsWrongAndWhatWouldDo) { EXPECT_EQ(text_of(GetParam().call), GetParam().text); }

INSTANTIATE_TEST_SUITE_P(Rows, ErrorTable, ::testing::ValuesIn(all_rows()),
                         [](const auto& row) { return row.param.name; });

// Where no element exists, nothing can be computed: all mistakes but those in the values must be found all the same.
TEST(ErrorTableAsAWhole, ComesBeforeAnyArithmetic) {
  const ShapesOnly shapes_only;
  for (const ErrorRow& row : all_rows()) {
    if (!row.reads_values) {
      EXPECT_EQ(text_of(row.call), row.text) << row.name;
    }
  }
}

TEST(ErrorTableAsAWhole, HasManyRowsOfDifferentTextsInOneStyle) {
  std::set<std::string> texts;
  for (const ErrorRow& row : all_rows()) {
    EXPECT_TRUE(texts.insert(row.text).second) << row.name << " repeats a text";
    EXPECT_NE(row.text.find(": "), std::string::npos) << row.name;
    EXPECT_EQ(row.text.find('\n'), std::string::npos) << row.name;
    EXPECT_NE(row.text.back(), '.') << row.name;
  }
  EXPECT_GE(texts.size(), 80u);
}

// A model that was called wrongly is the model that it was.
TEST(ErrorTableAsAWhole, AnErrorLeavesTheModelAsItWas) {
  nn::Sequential net{nn::Linear(4, 8), nn::BatchNorm(8), nn::Linear(7, 2)};
  const auto all = [&] {
    std::vector<float> values;
    for (const auto& list : {nn::named_parameters(net), nn::named_buffers(net)})
      for (const auto& [path, tensor] : list)
        for (const float value : tensor->data<float>()) values.push_back(value);
    return values;
  };
  const std::vector<float> before = all();
  nn::Adam adam({.lr = 0.1});
  EXPECT_EQ(text_of([&] { adam.step(net, Tensors{}); }).substr(0, 6), "Adam: ");
  EXPECT_EQ(text_of([&] { nn::trace(net, {3, 4}); }).substr(0, 7), "net.2: ");
  EXPECT_EQ(all(), before);
}

}  // namespace
}  // namespace cotangent::testing
