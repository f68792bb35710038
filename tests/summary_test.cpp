// Tests of the summary table.
#include <gtest/gtest.h>

#include "cotangent/cotangent.h"
#include "expect_error.h"

namespace cotangent {
namespace {

struct Net {
  nn::Conv2D conv1{1, 8, 3, {.padding = Padding::Same}};
  nn::Sequential rest{nn::BatchNorm(8), relu,
                      nn::MaxPool(2),   nn::Conv2D(8, 16, 3, {.strides = 2, .groups = 2}),
                      nn::flatten,      nn::Linear(16 * 6 * 6, 10)};
  Tensor scale = ones({});
  Tensor operator()(const Tensor& x) const { return scale * rest(conv1(x)); }
  void visit(nn::Visitor& v) {
    v("conv1", conv1);
    v("rest", rest);
    v("scale", scale);
  }
};

TEST(Summary, ListsLayersShapesParametersAndMultiplyAdds) {
  const Net net;
  EXPECT_EQ(nn::summary(net, {1, 28, 28, 1}),
            "layer   kind       output          parameters  multiply-adds\n"
            "conv1   Conv2D     (1, 28, 28, 8)          80         56,448\n"
            "rest.0  BatchNorm  (1, 28, 28, 8)          16              0\n"
            "        MaxPool    (1, 14, 14, 8)           0              0\n"
            "rest.3  Conv2D     (1, 6, 6, 16)          592         20,736\n"
            "rest.5  Linear     (1, 10)              5,770          5,760\n"
            "others                                      1\n"
            "total                                   6,459         82,944\n");
}

TEST(Summary, CountsSharedLayersOnceAndTransposedConvolutions) {
  struct Twice {
    nn::ConvTranspose2D up{2, 2, 4, {.strides = 2, .padding = Padding::Same}};
    Tensor operator()(const Tensor& x) const { return up(up(x)); }
    void visit(nn::Visitor& v) { v("up", up); }
  };
  EXPECT_EQ(nn::summary(Twice(), {1, 3, 3, 2}),
            "layer  kind             output          parameters  multiply-adds\n"
            "up     ConvTranspose2D  (1, 6, 6, 2)            66            576\n"
            "up     ConvTranspose2D  (1, 12, 12, 2)           0          2,304\n"
            "total                                           66          2,880\n");
}

TEST(Summary, TakesASingleLayerInFloat64AndLeavesTheModelAlone) {
  nn::BatchNorm norm(3);
  nn::convert(norm, DType::Float64);
  const std::string table = nn::summary(norm, {1, 3});  // would be an Error in training
  EXPECT_NE(table.find("BatchNorm  (1, 3)           6"), std::string::npos) << table;
  EXPECT_TRUE(norm.training);
  testing::expect_error([&] { nn::summary(norm, {1, 4}); }, "net: BatchNorm(3): needs an input with 3 features");
}

}  // namespace
}  // namespace cotangent
