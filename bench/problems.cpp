// The list of convolutions, and the reading of its lines.
#include "problems.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

struct Line {
  const char *name, *family, *text;
};

// Batches are 32, less where an image is large (the stem, three dimensions), 1 in the family of that name and 64 where
// the training networks have it.
constexpr Line kLines[] = {
    // The suite: what CNNs consist of, and the kinds of convolution that there are.
    {"c5_32x14_64", "suite", "n32 c32 o64 i14x14 k5 p2"},
    {"r64_32_b32", "suite", "n32 c64 o64 i32x32 k3 p1"},
    {"r64_56", "suite", "n32 c64 o64 i56x56 k3 p1"},
    {"r64_56_s2_128", "suite", "n32 c64 o128 i56x56 k3 s2 p1"},
    {"r128_28", "suite", "n32 c128 o128 i28x28 k3 p1"},
    {"r256_14", "suite", "n32 c256 o256 i14x14 k3 p1"},
    {"r512_7", "suite", "n32 c512 o512 i7x7 k3 p1"},
    {"r64_56_b1", "suite", "n1 c64 o64 i56x56 k3 p1"},
    {"c16_32", "suite", "n32 c16 o16 i32x32 k3 p1"},
    {"p1x1_64_256", "suite", "n32 c64 o256 i56x56 k1"},
    {"p1x1_1024_256", "suite", "n32 c1024 o256 i14x14 k1"},
    {"stem7x7", "suite", "n8 c3 o64 i224x224 k7 s2 p3"},
    {"cifar_first", "suite", "n32 c3 o64 i32x32 k3 p1"},
    {"mnist5x5", "suite", "n32 c1 o32 i28x28 k5 p2"},
    {"dw128_28", "suite", "n32 c128 o128 i28x28 k3 p1 g128"},
    {"grp4_128_28", "suite", "n32 c128 o128 i28x28 k3 p1 g4"},
    {"dil2_56", "suite", "n32 c64 o64 i56x56 k3 p2 d2"},
    {"c3d_32_16", "suite", "n8 c32 o32 i16x16x16 k3 p1"},
    {"c1d_64_k9", "suite", "n32 c64 o64 i1024 k9 p4"},
    {"t256_128_8", "suite", "n32 c256 o128 i8x8 k4 s2 p1 transposed"},
    {"t128_64_16", "suite", "n32 c128 o64 i16x16 k4 s2 p1 transposed"},
    {"t64_3_32", "suite", "n32 c64 o3 i32x32 k4 s2 p1 transposed"},
    // One dimension: signals and dilated stacks.
    {"c1d_1_32_k7", "1d", "n32 c1 o32 i1024 k7 s2 p3"},
    {"c1d_128_k3", "1d", "n32 c128 o128 i256 k3 p1"},
    {"c1d_64_k2_d8", "1d", "n8 c64 o64 i4096 k2 d8"},
    // Three dimensions: volumes.
    {"c3d_1_16", "3d", "n8 c1 o16 i16x16x16 k3 p1"},
    {"c3d_16_32_s2", "3d", "n8 c16 o32 i16x16x16 k3 s2 p1"},
    {"c3d_64_8", "3d", "n8 c64 o64 i8x8x8 k3 p1"},
    // Double precision.
    {"r64_14_f64", "f64", "n32 c64 o64 i14x14 k3 p1 f64"},
    {"c5_8_16_f64", "f64", "n32 c8 o16 i14x14 k5 p2 f64"},
    {"p1x1_256_64_f64", "f64", "n32 c256 o64 i14x14 k1 f64"},
    {"t64_32_8_f64", "f64", "n32 c64 o32 i8x8 k4 s2 p1 transposed f64"},
    // The decoder of a DCGAN, from a vector to a picture, batch 64.
    {"dec_100_256", "decoder", "n64 c100 o256 i1x1 k4 transposed"},
    {"dec_256_128", "decoder", "n64 c256 o128 i4x4 k4 s2 p1 transposed"},
    {"dec_128_64", "decoder", "n64 c128 o64 i8x8 k4 s2 p1 transposed"},
    {"dec_64_3", "decoder", "n64 c64 o3 i16x16 k4 s2 p1 transposed"},
    // A residual network on a single picture.
    {"stem7x7_b1", "batch1", "n1 c3 o64 i224x224 k7 s2 p3"},
    {"r128_28_b1", "batch1", "n1 c128 o128 i28x28 k3 p1"},
    {"r256_14_b1", "batch1", "n1 c256 o256 i14x14 k3 p1"},
    {"r512_7_b1", "batch1", "n1 c512 o512 i7x7 k3 p1"},
    {"p1x1_64_256_b1", "batch1", "n1 c64 o256 i56x56 k1"},
    {"p1x1_1024_256_b1", "batch1", "n1 c1024 o256 i14x14 k1"},
    // Windows and signals that are long: filters, convolutions over all of a sequence, large kernels.
    {"long_1_64k_k1025", "long", "n1 c1 o1 i65536 k1025 p512"},
    {"long_8_16k_k255", "long", "n4 c8 o8 i16384 k255 p127"},
    {"long_64_4k_k65", "long", "n4 c64 o64 i4096 k65 p32"},
    {"long_dw64_4k_k511", "long", "n4 c64 o64 i4096 k511 p255 g64"},
    {"long_1_256_k31", "long", "n1 c1 o1 i256x256 k31 p15"},
    {"long_8_256_k15", "long", "n1 c8 o8 i256x256 k15 p7"},
    // Depthwise windows of further shapes.
    {"dw128_28_s2", "depthwise", "n32 c128 o128 i56x56 k3 s2 p1 g128"},
    {"dw128_28_k5", "depthwise", "n32 c128 o128 i28x28 k5 p2 g128"},
    {"grp32_128_28", "depthwise", "n8 c128 o128 i28x28 k3 p1 g32"},
    {"grp32_128_s2", "depthwise", "n8 c128 o128 i28x28 k3 s2 p1 g32"},
    // Thin matrix products: the heads of networks, and windows that are all of the picture.
    {"head_64_1", "thin", "n8 c64 o1 i64x64 k1"},
    {"head_64_3", "thin", "n8 c64 o3 i64x64 k1"},
    {"p1x1_1_32", "thin", "n16 c1 o32 i64x64 k1"},
    {"p1x1_16_24", "thin", "n16 c16 o24 i56x56 k1"},
    {"critic_256_1", "thin", "n64 c256 o1 i4x4 k4"},
    {"lenet_16_120", "thin", "n64 c16 o120 i5x5 k5"},
    // The small networks that train_bench trains, batch 64.
    {"lenet_1_8", "small", "n64 c1 o8 i28x28 k5"},
    {"lenet_8_16", "small", "n64 c8 o16 i12x12 k5"},
    {"lenet5_6_16", "small", "n64 c6 o16 i14x14 k5"},
    {"resnet8_32_s2", "small", "n64 c16 o32 i32x32 k3 s2 p1"},
    {"resnet8_64_8", "small", "n64 c64 o64 i8x8 k3 p1"},
    {"critic_3_64", "small", "n64 c3 o64 i32x32 k4 s2 p1"},
    {"critic_64_128", "small", "n64 c64 o128 i16x16 k4 s2 p1"},
};

std::int64_t product(const std::vector<std::int64_t>& extents) {
  std::int64_t result = 1;
  for (const std::int64_t extent : extents) result *= extent;
  return result;
}

// "16x16x16" as numbers.
std::vector<std::int64_t> extents(const std::string& text) {
  std::vector<std::int64_t> result;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, 'x');) result.push_back(std::stoll(part));
  return result;
}

std::vector<std::int64_t> shape(std::int64_t first, std::int64_t second, const std::vector<std::int64_t>& rest) {
  std::vector<std::int64_t> result{first, second};
  result.insert(result.end(), rest.begin(), rest.end());
  return result;
}

}  // namespace

std::vector<std::int64_t> ConvProblem::out_spatial() const {
  std::vector<std::int64_t> result;
  for (std::size_t axis = 0; axis < spatial.size(); ++axis) {
    const std::int64_t window = dilation * (kernel[axis] - 1) + 1;
    result.push_back(transposed ? (spatial[axis] - 1) * stride - 2 * pad + window
                                : (spatial[axis] + 2 * pad - window) / stride + 1);
  }
  return result;
}

std::vector<std::int64_t> ConvProblem::input_shape() const { return shape(batch, in, spatial); }
std::vector<std::int64_t> ConvProblem::output_shape() const { return shape(batch, out, out_spatial()); }
std::vector<std::int64_t> ConvProblem::kernel_shape() const {
  return transposed ? shape(in, out / groups, kernel) : shape(out, in / groups, kernel);
}

double ConvProblem::flops() const {
  const std::int64_t windows = product(transposed ? spatial : out_spatial());
  return 2.0 * static_cast<double>(batch * windows) * static_cast<double>(product(kernel_shape()));
}

ConvProblem parse_problem(const std::string& name, const std::string& family, const std::string& text) {
  ConvProblem problem{.name = name, .family = family, .spatial = {}, .kernel = {}};
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word == "transposed") problem.transposed = true;
    else if (word == "f64") problem.f64 = true;
    else {
      const std::vector<std::int64_t> values = extents(word.substr(1));
      if (values.size() != 1 && word[0] != 'i' && word[0] != 'k')
        throw std::invalid_argument("problem " + name + ": needs one number in '" + word + "'");
      switch (word[0]) {
        case 'n': problem.batch = values.at(0); break;
        case 'c': problem.in = values.at(0); break;
        case 'o': problem.out = values.at(0); break;
        case 'i': problem.spatial = values; break;
        case 'k': problem.kernel = values; break;
        case 's': problem.stride = values.at(0); break;
        case 'p': problem.pad = values.at(0); break;
        case 'd': problem.dilation = values.at(0); break;
        case 'g': problem.groups = values.at(0); break;
        default: throw std::invalid_argument("problem " + name + ": there is no field '" + word + "'");
      }
    }
  }
  if (problem.kernel.size() == 1) problem.kernel.resize(problem.spatial.size(), problem.kernel[0]);
  if (problem.spatial.empty() || problem.kernel.size() != problem.spatial.size())
    throw std::invalid_argument("problem " + name + ": needs i and k with an extent per axis, got '" + text + "'");
  if (problem.transposed && problem.groups != 1)
    throw std::invalid_argument("problem " + name + ": a transposed convolution has no groups here");
  return problem;
}

std::vector<ConvProblem> read_problems(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("cannot read " + path);
  std::vector<ConvProblem> result;
  std::int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    try {
      const std::size_t space = std::min(line.find(' '), line.size());
      result.push_back(parse_problem(line.substr(0, space), path, line.substr(space)));
    } catch (const std::logic_error& error) {  // of numbers too
      throw std::invalid_argument(path + ":" + std::to_string(number) + ": '" + line +
                                  "' is no problem: " + error.what());
    }
  }
  return result;
}

const std::vector<ConvProblem>& conv_problems() {
  static const std::vector<ConvProblem> problems = [] {
    std::vector<ConvProblem> result;
    for (const Line& line : kLines) result.push_back(parse_problem(line.name, line.family, line.text));
    return result;
  }();
  return problems;
}

const char* name(Direction direction) {
  switch (direction) {
    case Direction::Forward: return "forward";
    case Direction::InputGradient: return "input_gradient";
    default: return "weight_gradient";
  }
}

}  // namespace bench
