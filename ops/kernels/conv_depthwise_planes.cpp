// Depthwise convolution, channels first, by whole planes.
#include "cotangent/ops/kernels/conv_depthwise_planes.h"

#include "cotangent/ops/kernels/conv_depthwise_plan.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTaskProducts = 1 << 16;

}  // namespace

template <class T>
std::vector<LaneBits<T>> DepthwisePlanes<T>::masks() const {
  const std::int64_t reach = size_ / 2;
  std::vector<LaneBits<T>> result;
  const auto add = [&](bool meets) { result.push_back(meets ? ~LaneBits<T>{0} : LaneBits<T>{0}); };
  for (std::int64_t first = 0; first < mask_count() * lanes_; first += lanes_) {
    for (std::int64_t distance = 1; distance <= reach; ++distance)
      for (std::int64_t x = first; x < first + lanes_; ++x) add(x % width_ >= distance);
    for (std::int64_t distance = 1; distance <= reach; ++distance)
      for (std::int64_t x = first; x < first + lanes_; ++x) add(x % width_ + distance < width_);
  }
  return result;
}

template <class T>
void DepthwisePlanes<T>::compute() const {
  const std::vector<LaneBits<T>> lane_masks = masks();
  const std::int64_t units = planes() * bands_;
  const std::int64_t block = std::max<std::int64_t>(1, kTaskProducts * units / product_count(problem_));
  parallel_for(units, std::min(block, std::max<std::int64_t>(1, units / kTasks)),
               [&](std::int64_t begin, std::int64_t end) {
                 const Elements<T> lhs_copy(lhs_copy_size(), true), copy(copy_size());
                 for (std::int64_t unit = begin; unit < end; ++unit)
                   sum_band(unit / bands_ % problem_.groups, unit / bands_ / problem_.groups, band(unit % bands_),
                            lane_masks, lhs_copy.data(), copy.data());
               });
}

template <class T>
void DepthwisePlanes<T>::sum_band(std::int64_t g, std::int64_t m, Range rows, const std::vector<LaneBits<T>>& masks,
                                  T* lhs_copy, T* copy) const {
  PlaneWindows<T> w = windows(lhs_ + g * problem_.lhs_group + m * problem_.lhs_batch, rows, masks, lhs_copy);
  w.rhs_row = problem_.axes[0].rhs_step;
  w.rhs_step = problem_.axes[1].rhs_step;
  for (std::int64_t p = 0; p < problem_.out_features; ++p) {
    T* const out =
        out_ + g * problem_.out_group + m * problem_.out_batch + p * problem_.out_feature + rows.first * row_step_;
    w.rhs = rhs_ + g * problem_.rhs_group + p * problem_.rhs_out_feature;
    w.out = in_place() ? out : copy;
    kernels_.sum(w);
    if (!in_place()) table_.put({length(rows), columns_, column_step_, copy + column_, width_, out, row_step_});
  }
}

template <class T>
void DepthwisePlanes<T>::compute_gradient() const {
  const std::vector<LaneBits<T>> lane_masks = masks();
  const std::int64_t split_count = splits(), block_count = blocks(), size = sums();
  const Elements<T> partial(problem_.groups * split_count * size);
  parallel_for(split_count * block_count, 1, [&](std::int64_t task, std::int64_t) {
    const std::int64_t split = task / block_count, block = task % block_count;
    sum_pieces({problem_.groups * block / block_count, problem_.groups * (block + 1) / block_count},
               {pieces() * split / split_count, pieces() * (split + 1) / split_count}, lane_masks,
               partial.data() + split * size, split_count * size);
  });
  for (std::int64_t g = 0; g < problem_.groups; ++g) {
    T* const sum = partial.data() + g * split_count * size;
    for (std::int64_t split = 1; split < split_count; ++split)
      for (std::int64_t i = 0; i < size; ++i) sum[i] += sum[split * size + i];
    for (std::int64_t i = 0; i < size; ++i) {
      const std::int64_t pair = i / (size_ * size_);
      out_[g * problem_.out_group + pair / problem_.batch * problem_.out_feature +
           pair % problem_.batch * problem_.out_batch + i / size_ % size_ * problem_.axes[0].out_step +
           i % size_ * problem_.axes[1].out_step] = sum[i];
    }
  }
}

// Planes are read in the order of memory, if images lie farther apart than groups.
template <class T>
void DepthwisePlanes<T>::sum_pieces(Range groups, Range pieces, const std::vector<LaneBits<T>>& masks, T* to,
                                    std::int64_t to_group) const {
  const std::int64_t size = sums(), window = size_ * size_;
  const Elements<T> vectors(length(groups) * size * lanes_, true), lhs_copy(lhs_copy_size(), true),
      copy(copy_size(), true);
  for (std::int64_t piece = pieces.first; piece < pieces.second; ++piece)
    for (std::int64_t g = groups.first; g < groups.second; ++g) {
      const std::int64_t i = piece / bands_;
      const Range rows = band(piece % bands_);
      for (std::int64_t pair = 0; pair < problem_.out_features * problem_.batch; ++pair) {
        const std::int64_t p = pair / problem_.batch, m = pair % problem_.batch;
        PlaneWindows<T> w = windows(lhs_ + g * problem_.lhs_group + i * problem_.lhs_feature + m * problem_.lhs_batch,
                                    rows, masks, lhs_copy.data());
        const T* const cotangent = rhs_ + g * problem_.rhs_group + i * problem_.rhs_in_feature +
                                   p * problem_.rhs_out_feature + rows.first * row_step_;
        if (!in_place())
          table_.take({length(rows), columns_, column_step_, cotangent, row_step_, copy.data() + column_, width_});
        w.cotangent = in_place() ? pixels(rhs_, rhs_extent_, cotangent, length(rows), 0)
                                 : pixels(copy.data(), w.count, copy.data(), length(rows), 0);
        w.sums = vectors.data() + ((g - groups.first) * size + pair * window) * lanes_;
        kernels_.add_gradient(w);
      }
    }
  for (std::int64_t g = 0; g < length(groups); ++g)
    for (std::int64_t i = 0; i < size; ++i) {
      T* const vector = vectors.data() + (g * size + i) * lanes_;
      for (std::int64_t half = lanes_ / 2; half > 0; half /= 2)
        for (std::int64_t lane = 0; lane < half; ++lane) vector[lane] += vector[lane + half];
      to[(groups.first + g) * to_group + i] = vector[0];
    }
}

bool planes_serve(const ConvProblem& problem, std::int64_t element_size) {
  const bool long_sums = sums_are_long(problem);
  if (problem.axes.size() != 2 || (!long_sums && problem.in_features != 1)) return false;
  if (problem.groups * problem.batch * problem.out_features * problem.in_features == 0) return false;
  const std::int64_t size = window_size(problem, long_sums);
  for (const ConvAxis& axis : problem.axes) {
    const std::int64_t windows = long_sums ? axis.kernel : axis.out, high = windows + size - 1 - axis.in - axis.low;
    if (axis.stride * axis.lhs_dilation * axis.rhs_dilation != 1 || (long_sums ? axis.out : axis.kernel) != size ||
        axis.in == 0 || windows == 0 || std::min(axis.low, high) < 0 || std::max(axis.low, high) >= size)
      return false;
  }
  const ConvAxis& column = problem.axes[1];
  const bool adjacent = column.lhs_step == 1 && (long_sums ? column.rhs_step : column.out_step) == 1;
  if (!adjacent && problem.groups >= depthwise_lanes(element_size)) return false;  // channels fill vectors
  return element_size == sizeof(float) ? kernels_of<float>(size).sum != nullptr
                                       : kernels_of<double>(size).sum != nullptr;
}

template <class T>
void convolve_planes(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  const DepthwisePlanes<T> planes(problem, lhs, rhs, out);
  if (sums_are_long(problem)) planes.compute_gradient();
  else planes.compute();
}

template <class T>
std::int64_t planes_workspace(const ConvProblem& problem) {
  return DepthwisePlanes<T>(without_offsets(problem), nullptr, nullptr, nullptr).workspace();
}

std::int64_t planes_multiply_adds(const ConvProblem& problem, std::int64_t element_size) {
  const ConvProblem start = without_offsets(problem);
  if (element_size == sizeof(float)) return DepthwisePlanes<float>(start, nullptr, nullptr, nullptr).multiply_adds();
  return DepthwisePlanes<double>(start, nullptr, nullptr, nullptr).multiply_adds();
}

template std::int64_t planes_workspace<float>(const ConvProblem&);
template std::int64_t planes_workspace<double>(const ConvProblem&);
template void convolve_planes(const ConvProblem&, const float*, const float*, float*);
template void convolve_planes(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
