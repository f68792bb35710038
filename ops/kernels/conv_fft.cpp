// Convolution by fast Fourier transforms: segments of lhs and parts of rhs are transformed, multiplied, summed and
// transformed back. A transform works on as many lines as a vector has lanes at once.
#include "cotangent/ops/kernels/conv_fft.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <numbers>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_fft_lines.h"
#include "cotangent/ops/kernels/convolve.h"
#include "cotangent/ops/kernels/isa/dispatch.h"
#include "cotangent/ops/kernels/isa/fft.h"
#include "cotangent/ops/kernels/isa/matrix.h"
#include "cotangent/ops/kernels/workspace.h"

namespace cotangent::kernels {
namespace {

constexpr std::int64_t kTaskElements = 1 << 15;  // that a task transforms, if it can be as few
constexpr std::int64_t kTaskProducts = 1 << 15;  // complex vectors that a task multiplies
constexpr std::size_t kMostLanes = 16;

// exp(-2 pi i j / extent) for j < extent, as pairs; kept for good, since there are few extents.
template <class T>
const T* roots_of(std::int64_t extent) {
  static std::mutex mutex;
  static std::map<std::int64_t, std::vector<T>> tables;
  const std::lock_guard guard(mutex);
  std::vector<T>& roots = tables[extent];
  if (roots.empty())
    for (std::int64_t j = 0; j < extent; ++j) {
      const double angle = -2 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(extent);
      roots.push_back(static_cast<T>(std::cos(angle)));
      roots.push_back(static_cast<T>(std::sin(angle)));
    }
  return roots.data();
}

// Calls body(part) for parts of at most `most`.
template <class Body>
void for_each_part(std::int64_t count, std::int64_t most, Body body) {
  for (std::int64_t begin = 0; begin < count; begin += most) body(FftPart{begin, std::min(count, begin + most)});
}

template <class T>
class ConvFft {
 public:
  ConvFft(const FftPlan& plan, const T* lhs, const T* rhs, T* out)
      : plan_(plan), problem_(plan.problem), lhs_(lhs), rhs_(rhs), out_(out) {
    const std::int64_t rows = plan_.axes[0].cut.extent, columns = plan_.axes[1].cut.extent;
    row_roots_ = roots_of<T>(rows);
    split_roots_ = roots_of<T>(columns);
    column_roots_ = roots_of<T>(columns / 2);
    scale_ = static_cast<T>(1.0 / static_cast<double>(rows * columns));
  }

  void run() {
    const FftChunks& chunk = plan_.chunk;
    const FftCut& along = plan_.axes[chunk.axis].cut;
    const std::int64_t line = 2 * plan_.vectors();
    const Workspace<T> lhs(plan_.lhs_lines() * line), rhs(plan_.rhs_lines() * line), out(plan_.out_lines() * line);
    for_each_part(problem_.groups, chunk.groups, [&](FftPart groups) {
      bool kernel_ready = false;
      for_each_part(plan_.images(), chunk.images, [&](FftPart images) {
        for_each_part(along.blocks, chunk.blocks, [&](FftPart blocks) {
          bool first = true;
          for_each_part(problem_.in_features, chunk.features, [&](FftPart features) {
            for_each_part(along.parts, chunk.parts, [&](FftPart parts) {
              const FftPiece piece = make_piece(plan_, groups, images, features, blocks, parts);
              transform_lhs(piece, lhs.data());
              if (!kernel_ready) transform_rhs(piece, rhs.data());
              multiply(piece, lhs.data(), rhs.data(), out.data(), !first);
              first = false;
            });
          });
          kernel_ready = chunk.features == problem_.in_features && chunk.parts == along.parts;
          transform_back(make_piece(plan_, groups, images, {}, blocks, {}), out.data());
        });
      });
    });
  }

 private:
  // Calls body(first lane, lanes, distance in the tensor) for lanes that a single copy serves.
  template <class Body>
  static void for_each_run(const FftLine* lines, std::int64_t count, Body body) {
    for (std::int64_t first = 0, next; first < count; first = next) {
      next = first + 1;
      if (lines[first].empty()) continue;
      const std::int64_t distance = next < count ? lines[next].offset - lines[first].offset : 0;
      while (next < count && lines[next].inside == lines[first].inside &&
             lines[next].offset == lines[next - 1].offset + distance)
        ++next;
      body(first, next - first, distance);
    }
  }

  // Copies lines to the lanes of rows, with zeros around them, and transforms them; returns where the spectra are.
  T* forward(const FftLine* lines, std::int64_t count, std::array<std::int64_t, 2> steps, const T* from, T scale,
             T* data, T* scratch) const {
    const std::int64_t rows = plan_.axes[0].cut.extent, columns = plan_.axes[1].cut.extent, lanes = kernels_.lanes;
    const std::int64_t row_elements = plan_.row_vectors() * 2 * lanes;
    Range used{rows, 0};
    for (std::int64_t lane = 0; lane < count; ++lane) {
      if (lines[lane].empty()) continue;
      used.first = std::min(used.first, lines[lane].inside[0].first);
      used.second = std::max(used.second, lines[lane].inside[0].second);
    }
    std::fill_n(data, plan_.vectors() * 2 * lanes, T{0});
    for (std::int64_t row = used.first; row < used.second; ++row) {
      T* const to = data + row * row_elements;
      for_each_run(lines, count, [&](std::int64_t lane, std::int64_t adjacent, std::int64_t distance) {
        const FftLine& line = lines[lane];
        if (row < line.inside[0].first || row >= line.inside[0].second) return;
        const auto [begin, end] = line.inside[1];
        matrix_.copy({end - begin, adjacent, from + line.offset + row * steps[0] + begin * steps[1], steps[1], distance,
                      to + begin * lanes + lane, lanes, 1});
      });
      const T* const transformed = kernels_.transform({columns / 2, 1, column_roots_, to, scratch, false});
      kernels_.split({columns, split_roots_, transformed, to, scale});
    }
    T* const result = kernels_.transform({rows, plan_.row_vectors(), row_roots_, data, scratch, false});
    const std::int64_t elements = rows * row_elements;
    std::fill(result + elements, result + plan_.vectors() * 2 * lanes, T{0});
    return result;
  }

  // The inverse, of the lines' positions alone.
  void inverse(const FftLine* lines, std::int64_t count, std::array<std::int64_t, 2> steps, T* data, T* scratch) const {
    const std::int64_t rows = plan_.axes[0].cut.extent, columns = plan_.axes[1].cut.extent, lanes = kernels_.lanes;
    T* const result = kernels_.transform({rows, plan_.row_vectors(), row_roots_, data, scratch, true});
    T* const other = result == data ? scratch : data;
    std::int64_t used = 0;
    for (std::int64_t lane = 0; lane < count; ++lane) used = std::max(used, lines[lane].inside[0].second);
    for (std::int64_t row = 0; row < used; ++row) {
      T* const line_row = result + row * plan_.row_vectors() * 2 * lanes;
      kernels_.join({columns, split_roots_, line_row, line_row, T{1}});
      const T* const from = kernels_.transform({columns / 2, 1, column_roots_, line_row, other, true});
      for_each_run(lines, count, [&](std::int64_t lane, std::int64_t adjacent, std::int64_t distance) {
        const FftLine& line = lines[lane];
        if (row >= line.inside[0].second) return;
        matrix_.copy({line.inside[1].second, adjacent, from + lane, lanes, 1, out_ + line.offset + row * steps[0],
                      steps[1], distance});
      });
    }
  }

  // Calls body(first line, lines, distance, two buffers) for all lines of some groups, as many at once as a vector has
  // lanes: those that follow each other, or the same one of several groups.
  template <class Body>
  void for_each_vector(std::int64_t groups, std::int64_t lines, Body body) const {
    const std::int64_t lanes = kernels_.lanes, elements = plan_.vectors() * 2 * lanes;
    const bool by_group = plan_.groups_adjacent();
    const std::int64_t count = by_group ? groups : groups * lines, distance = by_group ? lines : 1,
                       vectors = ceiling_quotient(count, lanes);
    parallel_for(vectors * distance, std::max<std::int64_t>(1, kTaskElements / elements),
                 [&](std::int64_t begin, std::int64_t end) {
                   const Workspace<T> buffers(2 * elements);
                   for (std::int64_t i = begin; i < end; ++i) {
                     const std::int64_t lane = i % vectors * lanes;
                     body(i / vectors + lane * distance, std::min(lanes, count - lane), distance, buffers.data(),
                          buffers.data() + elements);
                   }
                 });
  }

  template <class LineOf>
  void to_spectra(std::int64_t groups, std::int64_t lines, LineOf line_of, std::array<std::int64_t, 2> steps,
                  const T* from, T scale, T* spectra) const {
    const std::int64_t pair = 2 * kernels_.lanes;
    for_each_vector(
        groups, lines, [&](std::int64_t first, std::int64_t count, std::int64_t distance, T* data, T* scratch) {
          std::array<FftLine, kMostLanes> some;
          for (std::int64_t lane = 0; lane < count; ++lane)
            some[static_cast<std::size_t>(lane)] = line_of(first + lane * distance);
          T* const vectors = forward(some.data(), count, steps, from, scale, data, scratch);
          kernels_.to_spectra(
              {plan_.chunks(), groups * lines * pair, count, distance * pair, spectra + first * pair, vectors});
        });
  }

  void transform_lhs(const FftPiece& piece, T* spectra) const {
    const std::int64_t lines = piece.images.count() * piece.segment_count() * inner_terms(plan_, piece);
    const auto step = [&](std::size_t d) { return plan_.axes[d].step * plan_.axes[d].axis.lhs_step; };
    to_spectra(
        piece.groups.count(), lines, [&](std::int64_t index) { return lhs_line(plan_, piece, index); },
        {step(0), step(1)}, lhs_, T{1}, spectra);
  }

  void transform_rhs(const FftPiece& piece, T* spectra) const {
    const std::int64_t lines = problem_.out_features * piece.part_count() * inner_terms(plan_, piece);
    const auto step = [&](std::size_t d) { return plan_.axes[d].kernel_residues * plan_.axes[d].axis.rhs_step; };
    // The inverse transform multiplies by both extents.
    to_spectra(
        piece.groups.count(), lines, [&](std::int64_t index) { return rhs_line(plan_, piece, index); },
        {step(0), step(1)}, rhs_, scale_, spectra);
  }

  void multiply(const FftPiece& piece, const T* lhs, const T* rhs, T* out, bool add) const {
    const std::int64_t pair = 2 * kernels_.lanes, inner = inner_terms(plan_, piece);
    const auto segment = [&](std::int64_t first, std::int64_t second) {
      return (first * piece.segments[1].count() + second) * inner * pair;
    };
    std::vector<std::int64_t> rows, out_rows, terms;
    for (std::int64_t image = 0; image < piece.images.count(); ++image)
      for (std::int64_t first = 0; first < piece.blocks[0].count(); ++first)
        for (std::int64_t second = 0; second < piece.blocks[1].count(); ++second) {
          rows.push_back(image * piece.segment_count() * inner * pair +
                         segment(first * plan_.axes[0].cut.block_hops, second * plan_.axes[1].cut.block_hops));
          out_rows.push_back(std::ssize(out_rows) * problem_.out_features * pair);
        }
    for (std::int64_t first = 0; first < piece.parts[0].count(); ++first)
      for (std::int64_t second = 0; second < piece.parts[1].count(); ++second)
        for (std::int64_t term = 0; term < inner; ++term)
          terms.push_back(segment(first * plan_.axes[0].cut.part_hops, second * plan_.axes[1].cut.part_hops) +
                          term * pair);
    const std::int64_t groups = piece.groups.count(), row_count = std::ssize(rows), term_count = std::ssize(terms);
    const std::int64_t lhs_group = piece.images.count() * piece.segment_count() * inner * pair,
                       rhs_group = problem_.out_features * term_count * pair,
                       out_group = row_count * problem_.out_features * pair;
    const std::int64_t products = row_count * term_count * problem_.out_features;
    parallel_for(plan_.chunks() * groups, std::max<std::int64_t>(1, kTaskProducts / products),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t task = begin; task < end; ++task)
                     kernels_.multiply({lhs + task * lhs_group, rows.data(), row_count, terms.data(), term_count,
                                        rhs + task * rhs_group, term_count * pair, problem_.out_features,
                                        out + task * out_group, out_rows.data(), add});
                 });
  }

  void transform_back(const FftPiece& piece, T* spectra) const {
    const std::int64_t pair = 2 * kernels_.lanes, groups = piece.groups.count(),
                       lines = piece.images.count() * piece.block_count() * problem_.out_features;
    const auto step = [&](std::size_t d) { return plan_.axes[d].out_residues * plan_.axes[d].axis.out_step; };
    for_each_vector(
        groups, lines, [&](std::int64_t first, std::int64_t count, std::int64_t distance, T* data, T* scratch) {
          std::array<FftLine, kMostLanes> some;
          for (std::int64_t lane = 0; lane < count; ++lane)
            some[static_cast<std::size_t>(lane)] = out_line(plan_, piece, first + lane * distance);
          kernels_.from_spectra(
              {plan_.chunks(), groups * lines * pair, count, distance * pair, spectra + first * pair, data});
          inverse(some.data(), count, {step(0), step(1)}, data, scratch);
        });
  }

  const FftPlan& plan_;
  const ConvProblem& problem_;
  const T *lhs_, *rhs_;
  T* out_;
  const FftKernels<T>& kernels_ = table<FftKernels<T>>();
  const MatrixKernels<T>& matrix_ = table<MatrixKernels<T>>();
  const T *row_roots_, *split_roots_, *column_roots_;
  T scale_;
};

}  // namespace

template <class T>
void convolve_by_fft(const ConvProblem& problem, const T* lhs, const T* rhs, T* out) {
  const FftPlan plan(problem, sizeof(T), table<FftKernels<T>>().lanes);
  ConvFft<T>(plan, lhs, rhs, out).run();
}

template void convolve_by_fft(const ConvProblem&, const float*, const float*, float*);
template void convolve_by_fft(const ConvProblem&, const double*, const double*, double*);

}  // namespace cotangent::kernels
