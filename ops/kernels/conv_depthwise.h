// The parts of the depthwise algorithm: loops for the two layouts, and what they share. Internal.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cotangent/core/memory.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/conv_problem.h"

namespace cotangent::kernels {

// Zeros, or unspecified elements, from the cache of tensor memory.
template <class T>
class Elements {
 public:
  explicit Elements(std::int64_t count, bool zero = false)
      : memory_(count > 0 ? allocate(static_cast<std::size_t>(count) * sizeof(T)) : nullptr) {
    if (zero) std::fill_n(data(), count, T{0});
  }
  T* data() const { return reinterpret_cast<T*>(memory_.get()); }

 private:
  std::shared_ptr<std::byte> memory_;
};

// True if there are far more products in a sum than sums in a group, as in a weight gradient: the sum is then cut into
// parts, rather than the output.
bool sums_are_long(const ConvProblem& problem);
constexpr std::int64_t kLongSum = 4;  // times as many

// Groups are adjacent in lhs and rhs, and unless sums are long in the output; there is at least a vector of them. The
// output of a long sum gets the first `groups` of them.
template <class T>
void convolve_channels_last(const ConvProblem& problem, std::int64_t groups, const T* lhs, const T* rhs, T* out);

// Channels last, with copies of those operands that a plan says, of padded groups.
struct DepthwisePlan;
template <class T>
void convolve_copies(const ConvProblem& problem, const DepthwisePlan& plan, const T* lhs, const T* rhs, T* out);

// The same of blocks of channels, whose copies stay in the cache.
template <class T>
void convolve_channel_blocks(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);

// Windows of 3, 5 or 7 squared without stride over planes, or pictures of few channels.
bool planes_serve(const ConvProblem& problem, std::int64_t element_size);
template <class T>
void convolve_planes(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);

// Pixels of the last axis are adjacent in lhs.
template <class T>
void convolve_channels_first(const ConvProblem& problem, const T* lhs, const T* rhs, T* out);

// The most elements that they allocate.
template <class T>
std::int64_t channels_last_workspace(const ConvProblem& problem);
template <class T>
std::int64_t copies_workspace(const ConvProblem& problem, const DepthwisePlan& plan);
template <class T>
std::int64_t channel_blocks_workspace(const ConvProblem& problem);
template <class T>
std::int64_t planes_workspace(const ConvProblem& problem);
std::int64_t planes_multiply_adds(const ConvProblem& problem, std::int64_t element_size);  // with those beside windows
template <class T>
std::int64_t channels_first_workspace(const ConvProblem& problem);

constexpr std::int64_t kTasks = 32;  // enough for a few threads to share evenly

// Into how many tasks to cut so many products, of which there are so many pieces.
inline std::int64_t task_count(std::int64_t products, std::int64_t pieces) {
  return std::clamp<std::int64_t>(products >> 16, 1, std::max<std::int64_t>(1, std::min(kTasks, pieces)));
}

// Those of all groups; window elements outside the input included.
std::int64_t product_count(const ConvProblem& problem);

// The kernel positions k for which output position x reads inside the input, as a range.
inline Range kernel_range(const ConvAxis& axis, std::int64_t x) {
  const std::int64_t start = x * axis.stride - axis.low;  // input position of k = 0
  const std::int64_t first = start >= 0 ? 0 : (-start + axis.rhs_dilation - 1) / axis.rhs_dilation;
  const std::int64_t last = start >= axis.in ? 0 : (axis.in - 1 - start) / axis.rhs_dilation + 1;
  return {first, std::max(first, std::min(last, axis.kernel))};
}

// Calls f(range) for [0, extent) in equal pieces, give or take one, of at most `most`.
template <class F>
void for_each_piece(std::int64_t extent, std::int64_t most, F f) {
  const std::int64_t count = (extent + most - 1) / most;
  for (std::int64_t i = 0, begin = 0; i < count; ++i) {
    const std::int64_t end = begin + (extent - begin) / (count - i);
    f(Range{begin, end});
    begin = end;
  }
}

inline std::vector<Range> equal_pieces(std::int64_t extent, std::int64_t most) {
  std::vector<Range> pieces;
  for_each_piece(extent, most, [&](Range piece) { pieces.push_back(piece); });
  return pieces;
}

// Where a slice of the input and of the kernel starts: a combination of an input feature and kernel positions on all
// spatial axes but the last two, at which an output position reads inside the input.
struct Slice {
  std::int64_t lhs, rhs;
  std::int64_t kernel;  // index of those kernel positions
};

// The output positions on all axes but the last two, as an index with the slices that each of them sums.
class OuterPositions {
 public:
  explicit OuterPositions(const ConvProblem& problem);
  std::int64_t count() const { return count_; }    // of output positions
  std::int64_t kernel() const { return kernel_; }  // of kernel positions
  std::int64_t out_offset(std::int64_t index) const;
  // Of input features [features.first, features.second), in the order of features and kernel positions.
  std::vector<Slice> slices(std::int64_t index, Range features) const;

 private:
  const ConvProblem problem_;
  std::int64_t count_ = 1, kernel_ = 1;
};

}  // namespace cotangent::kernels
