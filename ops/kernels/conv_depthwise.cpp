// Convolution with a group for every channel: a loop over windows, with adjacent groups side by side in registers.
#include <algorithm>
#include <array>
#include <span>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_matrix.h"
#include "cotangent/ops/kernels/convolve.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kWidth = 32;    // groups side by side
constexpr std::int64_t kFewRows = 64;  // outputs in a group, below which a task takes kWidth groups rather than all
constexpr std::size_t kSegments = 16;  // summed before they join a longer sum: nearer in cache, and more accurate
constexpr std::int64_t kTaskProducts = 1 << 16;  // roughly

// Part of a window: `count` products, at equal distances.
struct Segment {
  std::int64_t lhs, rhs, count;
};

template <class T>
class Depthwise {
 public:
  Depthwise(const ConvProblem& problem, const T* lhs, const T* rhs, T* out)
      : problem_(problem),
        lhs_(lhs + problem.lhs_offset),
        rhs_(rhs + problem.rhs_offset),
        out_(out + problem.out_offset),
        rows_(row_index(problem)),
        reduction_(reduction_index(problem)),
        runs_(problem, reduction_, {0, reduction_.extent}, false) {}

  void run() const {
    const std::int64_t groups = rows_.extent < kFewRows ? kWidth : problem_.groups;
    const Blocks group_blocks{problem_.groups, problem_.groups, groups};
    const std::int64_t products = std::max<std::int64_t>(1, reduction_.extent * groups * problem_.out_features);
    const Blocks row_blocks{rows_.extent, rows_.extent, std::max<std::int64_t>(1, kTaskProducts / products)};
    parallel_for(row_blocks.count() * group_blocks.count(), 1, [&](std::int64_t task, std::int64_t) {
      const Range rows = row_blocks.range(task / group_blocks.count());
      const Range part = group_blocks.range(task % group_blocks.count());
      std::vector<Segment> window;
      Cursor cursor(rows_, rows.first);
      for (std::int64_t row = rows.first; row < rows.second; ++row, cursor.advance()) {
        find_window(cursor, window);
        std::size_t done = 0;
        do {
          const std::span some = std::span(window).subspan(done, std::min(kSegments, window.size() - done));
          for (std::int64_t p = 0; p < problem_.out_features; ++p)
            for (std::int64_t group = part.first; group < part.second; group += kWidth)
              sum_segments(some, p, group, std::min(kWidth, part.second - group), cursor.other, done > 0);
          done += some.size();
        } while (done < window.size());
      }
    });
  }

 private:
  // The part of the window at `cursor` that lies inside lhs.
  void find_window(const Cursor& cursor, std::vector<Segment>& window) const {
    window.clear();
    for (std::size_t r = 0; r < runs_.runs.size(); ++r) {
      const Range inside = runs_.valid(r, cursor);
      const Run& run = runs_.runs[r];
      if (length(inside) > 0)
        window.push_back({lhs_origin(problem_) + cursor.lhs + run.lhs + inside.first * reduction_.lhs_step(),
                          run.other + inside.first * reduction_.other_step(), length(inside)});
    }
  }

  // Sets one output element of each of `width` groups to a sum over segments, or adds the sum to it.
  void sum_segments(std::span<const Segment> segments, std::int64_t p, std::int64_t group, std::int64_t width,
                    std::int64_t row, bool add) const {
    const T* const lhs = lhs_ + group * problem_.lhs_group;
    const T* const rhs = rhs_ + group * problem_.rhs_group + p * problem_.rhs_out_feature;
    T* const out = out_ + row + group * problem_.out_group + p * problem_.out_feature;
    std::array<T, kWidth> total{};
    const bool adjacent = problem_.lhs_group == 1 && problem_.rhs_group == 1;
    for (const Segment& segment : segments) {
      const T* l = lhs + segment.lhs;
      const T* r = rhs + segment.rhs;
      for (std::int64_t j = 0; j < segment.count; ++j, l += reduction_.lhs_step(), r += reduction_.other_step()) {
        if (adjacent && width == kWidth)
          for (std::size_t v = 0; v < kWidth; ++v) total[v] += l[v] * r[v];
        else
          for (std::int64_t v = 0; v < width; ++v)
            total[static_cast<std::size_t>(v)] += l[v * problem_.lhs_group] * r[v * problem_.rhs_group];
      }
    }
    for (std::int64_t v = 0; v < width; ++v) {
      T& element = out[v * problem_.out_group];
      element = total[static_cast<std::size_t>(v)] + (add ? element : T{0});
    }
  }

  const ConvProblem& problem_;
  const T *lhs_, *rhs_;
  T* out_;
  const MatrixIndex rows_, reduction_;
  const Runs runs_;
};

}  // namespace

template <class T>
void convolve_depthwise(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  for (const ConvProblem& phase : split_phases(problem)) Depthwise<T>(phase, lhs, rhs, out).run();
}

template void convolve_depthwise(const ConvProblem&, const float*, const float*, float*);
template void convolve_depthwise(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
