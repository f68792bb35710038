// The convolutions that are timed: one list, which cotangent and its peers read alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// One convolution with equal strides, pads and dilations in all axes; `transposed` as PyTorch means it.
struct ConvProblem {
  std::string name, family;
  bool f64 = false;
  std::int64_t batch = 1, in = 1, out = 1;
  std::vector<std::int64_t> spatial, kernel;  // extents
  std::int64_t stride = 1, pad = 0, dilation = 1, groups = 1;
  bool transposed = false;

  // "conv/<family>/<name>/": how the names of its cases begin.
  std::string path() const { return "conv/" + family + "/" + name + "/"; }

  std::vector<std::int64_t> out_spatial() const;
  std::vector<std::int64_t> input_shape() const;   // (batch, in, spatial...)
  std::vector<std::int64_t> output_shape() const;  // (batch, out, spatial...)

  // (out, in / groups, kernel...), or (in, out / groups, kernel...) if transposed.
  std::vector<std::int64_t> kernel_shape() const;

  // Multiplications and additions of the definition, the same for the output and for either gradient.
  double flops() const;
};

// Reads "n32 c64 o128 i56x56 k3 s2 p1": batch, input and output channels, spatial extents, kernel, stride, pad; also
// d (dilation), g (groups), "transposed" and "f64". A single kernel extent stands for all axes. Throws
// std::invalid_argument for anything else.
ConvProblem parse_problem(const std::string& name, const std::string& family, const std::string& text);

// Those of a file, a name and a problem on each line, but for empty ones and those that start with '#'. Throws
// std::invalid_argument with the line if one is no problem, or if there is no such file.
std::vector<ConvProblem> read_problems(const std::string& path);

// All problems, in the order of the tables.
const std::vector<ConvProblem>& conv_problems();

// What is timed of each: the output, and the gradients of its input and of its weight.
enum class Direction { Forward, InputGradient, WeightGradient };
inline constexpr Direction kDirections[] = {Direction::Forward, Direction::InputGradient, Direction::WeightGradient};
const char* name(Direction direction);

// Numbers between -1 and 1 that depend on `seed` and the index alone, so that all programs compute the same thing.
template <class T>
void fill(T* values, std::int64_t count, std::uint32_t seed) {
  std::uint64_t state = (seed + 1) * 0x9E3779B97F4A7C15u;
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    values[i] = static_cast<T>(static_cast<double>(state >> 40) / (1 << 23) - 1.0);
  }
}

// The root of the mean square: equal for all programs, whatever their layout, or they do not compute the same.
template <class T>
double root_mean_square(const T* values, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return count == 0 ? 0 : __builtin_sqrt(sum / static_cast<double>(count));
}

}  // namespace bench
