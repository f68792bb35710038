// Tests of the matrix products of every instruction set that this processor has, each against plain loops.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "cotangent/ops/kernels/isa/matrix.h"
#include "isa_levels.h"

namespace cotangent {
namespace {

using kernels::MatrixKernels;
using kernels::Segment;
using kernels::TileProduct;
using testing::expect_sum;
using testing::for_each_level;
using testing::rectified;
using testing::samples;

// What a product does besides.
enum class Finish { None, Add, AddAndRelu, Relu, Bias, BiasAndAdd, BiasAndRelu, NanAndRelu };
constexpr Finish kFinishes[] = {Finish::None, Finish::Add,        Finish::AddAndRelu,  Finish::Relu,
                                Finish::Bias, Finish::BiasAndAdd, Finish::BiasAndRelu, Finish::NanAndRelu};

constexpr bool adds(Finish finish) {
  return finish == Finish::Add || finish == Finish::AddAndRelu || finish == Finish::BiasAndAdd;
}
constexpr bool has_bias(Finish finish) { return finish >= Finish::Bias; }
constexpr bool has_relu(Finish finish) {
  return finish == Finish::AddAndRelu || finish == Finish::Relu || finish >= Finish::BiasAndRelu;
}

template <class T>
std::vector<T> biases(std::int64_t n, Finish finish) {
  std::vector<T> values = samples<T>(n, -1, 1, 3);
  if (finish == Finish::NanAndRelu) values[0] = std::numeric_limits<T>::quiet_NaN();
  return values;
}

template <class T>
double expected(const TileProduct<T>& p, std::int64_t panel, std::int64_t i, std::int64_t j, double before) {
  double sum = (p.add ? before : 0.0) + (p.bias != nullptr ? static_cast<double>(p.bias[j]) : 0.0);
  const T *const row = p.lhs + p.rows[i], *const column = p.rhs + j / panel * p.panel_step + j % panel;
  if (p.segments == nullptr)
    for (std::int64_t t = 0; t < p.segment_count; ++t)
      sum += static_cast<double>(row[p.terms[t]]) * column[t * p.rhs_step];
  else
    for (const Segment* s = p.segments; s != p.segments + p.segment_count; ++s)
      for (std::int64_t t = 0; t < s->count; ++t)
        sum += static_cast<double>(row[s->lhs + t * p.lhs_step]) * column[s->rhs + t * p.rhs_step];
  return p.relu ? rectified(sum) : sum;
}

constexpr std::int64_t kRows = 61, kRowElements = 64;

// 10 terms in two segments or in a list, or 16 in one segment.
enum class TermsIn { Segments, List, OneSegment };

// Runs a kernel, whose panels of rhs have `panel` columns, on a product of some rows and columns.
template <class T>
void check_product(void (*kernel)(const TileProduct<T>&), std::int64_t panel, std::int64_t count, std::int64_t width,
                   std::int64_t step, TermsIn terms_in, Finish finish) {
  SCOPED_TRACE(::testing::Message() << count << " rows, width " << width << ", finish " << static_cast<int>(finish));
  const bool listed = terms_in == TermsIn::List, one = terms_in == TermsIn::OneSegment;
  const std::int64_t panels = (width + panel - 1) / panel, pitch = width + 3, term_count = one ? 16 : 10;
  const std::vector<T> lhs = samples<T>(kRows * kRowElements, -1, 1, 1),
                       rhs = samples<T>(panels * term_count * panel, -1, 1, 2),
                       bias = biases<T>(panels * panel, finish), before = samples<T>((count + 1) * pitch, -1, 1, 4);
  const Segment two_segments[] = {{0, 0, 7}, {40, 7 * panel, 3}}, segment{5, 0, term_count};
  const std::int64_t terms[] = {3, 1, 4, 15, 9, 2, 6, 53, 58, 63};
  std::vector<std::int64_t> rows, out_rows;
  for (std::int64_t i = 0; i < count; ++i)
    rows.push_back((kRows - 1 - i) * kRowElements), out_rows.push_back(i * pitch);
  std::vector<T> out = before;
  const TileProduct<T> product{.lhs = lhs.data(),
                               .rows = rows.data(),
                               .row_count = count,
                               .lhs_step = step,
                               .rhs = rhs.data(),
                               .rhs_step = panel,
                               .segments = listed ? nullptr : (one ? &segment : two_segments),
                               .segment_count = listed ? term_count : (one ? 1 : 2),
                               .terms = listed ? terms : nullptr,
                               .out = out.data(),
                               .out_rows = out_rows.data(),
                               .width = width,
                               .bias = has_bias(finish) ? bias.data() : nullptr,
                               .add = adds(finish),
                               .panel_step = term_count * panel,
                               .relu = has_relu(finish),
                               .ahead = count % 4 == 1 ? rhs.data() : nullptr,
                               .ahead_row = 3,
                               .ahead_term = 1};
  kernel(product);
  for (std::int64_t i = 0; i <= count; ++i)
    for (std::int64_t j = 0; j < pitch; ++j) {
      const T old = before[i * pitch + j];
      if (i < count && j < width) expect_sum(out[i * pitch + j], expected(product, panel, i, j, old));
      else ASSERT_EQ(out[i * pitch + j], old) << "wrote outside";
      if (::testing::Test::HasFatalFailure()) FAIL() << "at " << i << ", " << j;
    }
}

// Every number of rows, every width of a panel, steps of one and more, segments and lists of terms, fetching or not.
template <class T>
void check_multiply(const MatrixKernels<T>& table) {
  const std::int64_t panel = table.panel_width;
  for (std::int64_t count = 1; count <= kRows; ++count)
    for (std::int64_t width = 1; width <= panel; width += count % 4 == 0 ? 1 : 5)
      for (Finish finish : kFinishes)
        check_product(table.multiply, panel, count, width, count % 2 + 1,
                      count % 3 == 0 ? TermsIn::List : TermsIn::Segments, finish);
}

// As many terms and columns as registers hold of rhs, and one column more.
template <class T>
void check_resident(const MatrixKernels<T>& table) {
  for (std::int64_t count = 1; count <= 27; ++count)
    for (std::int64_t width : {table.lanes, table.lanes + 1})
      for (Finish finish : kFinishes)
        check_product(table.multiply, table.panel_width, count, width, 1, TermsIn::OneSegment, finish);
}

// More columns than a panel has.
template <class T>
void check_panels(const MatrixKernels<T>& table) {
  const std::int64_t panel = table.panel_width;
  for (std::int64_t count : {1, 5, 13, 29})
    for (std::int64_t width :
         {panel + 1, panel + panel / 2, panel + 3 * panel / 4, 2 * panel - 1, 2 * panel, 2 * panel + 1, 3 * panel - 1})
      for (Finish finish : kFinishes)
        check_product(table.multiply, panel, count, width, 1, count == 13 ? TermsIn::List : TermsIn::Segments, finish);
}

template <class T>
void check_flat(const MatrixKernels<T>& table) {
  const std::int64_t panel = table.flat_width;
  for (std::int64_t count : {1, 2, 3, 4, 5, 7, 8, 9, 19})
    for (std::int64_t width = 1; width <= 2 * panel + 1; width += count % 4 == 0 ? 1 : 5)
      for (Finish finish : kFinishes)
        check_product(table.multiply_flat, panel, count, width, 1, TermsIn::Segments, finish);
}

// A panel of any width, with some readable elements beyond it.
template <class T>
void check_few(const MatrixKernels<T>& table) {
  for (std::int64_t count = 1; count <= table.few_rows; ++count)
    for (std::int64_t width : {1, 2, 7, 16, 50, 131})
      for (Finish finish : kFinishes)
        check_product(table.multiply_few, width + table.few_width, count, width, 1, TermsIn::Segments, finish);
}

template <class T>
void check_dot_products(const MatrixKernels<T>& table) {
  const std::int64_t lanes = table.lanes, terms = 3 * lanes;
  const Segment segments[] = {{5, 0, 2 * lanes}, {3 * lanes, 2 * lanes, lanes}};
  for (std::int64_t columns = 1; columns <= table.few_rows; ++columns)
    for (std::int64_t count = 1; count <= 30; ++count)
      for (Finish finish : kFinishes) {
        if (adds(finish)) continue;
        SCOPED_TRACE(::testing::Message() << columns << " columns, " << count << " rows");
        const std::int64_t row = 5 * lanes + 5, pitch = columns + 2;
        const std::vector<T> lhs = samples<T>(count * row, -1, 1, 1), rhs = samples<T>(columns * terms, -1, 1, 2),
                             bias = biases<T>(columns, finish);
        std::vector<std::int64_t> rows, out_rows;
        for (std::int64_t i = 0; i < count; ++i) rows.push_back((count - 1 - i) * row), out_rows.push_back(i * pitch);
        std::vector<T> out(count * pitch, T(77));
        table.dot_products({.lhs = lhs.data(),
                            .rows = rows.data(),
                            .row_count = count,
                            .rhs = rhs.data(),
                            .rhs_column = terms,
                            .segments = segments,
                            .segment_count = 2,
                            .out = out.data(),
                            .out_rows = out_rows.data(),
                            .columns = columns,
                            .bias = has_bias(finish) ? bias.data() : nullptr,
                            .relu = has_relu(finish)});
        for (std::int64_t i = 0; i < count; ++i)
          for (std::int64_t j = 0; j < pitch; ++j) {
            double sum = 77;
            if (j < columns) {
              sum = has_bias(finish) ? static_cast<double>(bias[j]) : 0.0;
              for (const Segment& s : segments)
                for (std::int64_t t = 0; t < s.count; ++t)
                  sum += static_cast<double>(lhs[rows[i] + s.lhs + t]) * rhs[j * terms + s.rhs + t];
              if (has_relu(finish)) sum = rectified(sum);
            }
            expect_sum(out[i * pitch + j], sum, 64);
          }
      }
}

template <class T>
void check_planes(const MatrixKernels<T>& table) {
  const std::int64_t terms[] = {7, 0, 40, 33, 2}, lanes = table.lanes, flat = table.flat_rows, step = lanes + 3;
  for (std::int64_t rows : {1, 3, 4, 5, 8, 9, 19})
    for (std::int64_t count : {1, 2, 3, 4, 5, 7, 9})
      for (Finish finish : kFinishes) {
        if (adds(finish)) continue;
        SCOPED_TRACE(::testing::Message() << rows << " rows, " << count << " vectors");
        const std::int64_t tiles = (rows + flat - 1) / flat, out_row = count * step;
        const std::vector<T> lhs = samples<T>(40 + count * step, -1, 1, 1), bias = biases<T>(rows, finish);
        std::vector<T> weights = samples<T>(tiles * 5 * flat, -1, 1, 2), out(rows * out_row, T(77));
        for (std::int64_t r = rows; r < tiles * flat; ++r)
          for (std::int64_t t = 0; t < 5; ++t) weights[(r / flat * 5 + t) * flat + r % flat] = 0;
        std::vector<std::int64_t> vectors, out_vectors;
        for (std::int64_t v = 0; v < count; ++v)
          vectors.push_back((count - 1 - v) * step), out_vectors.push_back(v * step);
        table.multiply_planes({.weights = weights.data(),
                               .rows = rows,
                               .lhs = lhs.data(),
                               .terms = terms,
                               .term_count = 5,
                               .vectors = vectors.data(),
                               .vector_count = count,
                               .out = out.data(),
                               .out_vectors = out_vectors.data(),
                               .out_row = out_row,
                               .bias = has_bias(finish) ? bias.data() : nullptr,
                               .relu = has_relu(finish)});
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t v = 0; v < count; ++v)
            for (std::int64_t j = 0; j < step; ++j) {
              double sum = has_bias(finish) ? static_cast<double>(bias[r]) : 0.0;
              for (std::int64_t t = 0; t < 5; ++t)
                sum +=
                    static_cast<double>(weights[(r / flat * 5 + t) * flat + r % flat]) * lhs[terms[t] + vectors[v] + j];
              if (has_relu(finish)) sum = rectified(sum);
              expect_sum(out[r * out_row + v * step + j], j < lanes ? sum : 77.0);
            }
      }
}

template <class T>
void check_weight_rows(const MatrixKernels<T>& table) {
  const std::vector<kernels::WeightTerm> terms{{3, 7, 0}, {1, 0, 2}, {4, 40, 4}, {0, 33, 1}};
  const std::int64_t weight_row = 7;
  for (std::int64_t rows : {1, 3, 4, 5, 8, 9, 19})
    for (std::int64_t vectors : {1, 2, 3, 4, 5, 7, 9})
      for (Finish finish : kFinishes) {
        if (adds(finish)) continue;
        SCOPED_TRACE(::testing::Message() << rows << " rows, " << vectors << " vectors");
        const std::int64_t width = vectors * table.lanes, out_row = width + 3;
        const std::vector<T> lhs = samples<T>(40 + width, -1, 1, 1), weights = samples<T>(rows * weight_row, -1, 1, 2),
                             bias = biases<T>(rows, finish);
        std::vector<T> out(rows * out_row, T(77));
        table.multiply_weight_rows({.weights = weights.data(),
                                    .weight_row = weight_row,
                                    .rows = rows,
                                    .terms = terms.data(),
                                    .term_count = std::ssize(terms),
                                    .lhs = lhs.data(),
                                    .vectors = vectors,
                                    .out = out.data(),
                                    .out_row = out_row,
                                    .bias = has_bias(finish) ? bias.data() : nullptr,
                                    .relu = has_relu(finish)});
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t j = 0; j < out_row; ++j) {
            double sum = has_bias(finish) ? static_cast<double>(bias[r]) : 0.0;
            for (const kernels::WeightTerm& term : terms)
              sum += static_cast<double>(weights[r * weight_row + term.weight]) * lhs[term.lhs + j % width];
            if (has_relu(finish)) sum = rectified(sum);
            expect_sum(out[r * out_row + j], j < width ? sum : 77.0);
          }
      }
}

// Vectors of lines that they fill, and the last ones of others.
template <class T>
void check_plane_dots(const MatrixKernels<T>& table) {
  const std::int64_t lanes = table.lanes, lhs_line = 3 * lanes, rhs_line = 2 * lanes + 1, plane = 3 * rhs_line;
  for (std::int64_t columns = 1; columns <= kernels::kPlaneDotColumns; ++columns)
    for (std::int64_t count : {1, 2, 3, 5, 6, 7, 12, 23})
      for (std::int64_t width = lanes; width <= 2 * lanes; ++width) {
        SCOPED_TRACE(::testing::Message() << columns << " columns, " << count << " rows, lines of " << width);
        const std::vector<T> lhs = samples<T>(3 * lhs_line + count, -1, 1, 1),
                             rhs = samples<T>(columns * plane, -1, 1, 2),
                             before = samples<T>(count * columns * lanes, -1, 1, 3);
        std::vector<std::int64_t> rows;
        for (std::int64_t i = 0; i < count; ++i) rows.push_back(count - 1 - i);
        std::vector<kernels::VectorPair> vectors, last;
        for (std::int64_t y = 0; y < 3; ++y) {
          for (std::int64_t x = 0; x + lanes <= width; x += lanes)
            vectors.push_back({y * lhs_line + x, y * rhs_line + x});
          const std::int64_t x = width - lanes;
          if (width % lanes != 0) last.push_back({y * lhs_line + x, y * rhs_line + x});
        }
        std::vector<T> sums = before;
        table.add_plane_dots({.lhs = lhs.data(),
                              .rows = rows.data(),
                              .row_count = count,
                              .rhs = rhs.data(),
                              .rhs_column = plane,
                              .columns = columns,
                              .vectors = vectors.data(),
                              .vector_count = std::ssize(vectors),
                              .last_vectors = last.data(),
                              .last_count = std::ssize(last),
                              .lanes_done = lanes - width % lanes,
                              .sums = sums.data()});
        for (std::int64_t i = 0; i < count * columns; ++i) {
          double sum = 0, actual = 0;
          for (std::int64_t lane = 0; lane < lanes; ++lane) {
            sum += before[i * lanes + lane];
            actual += sums[i * lanes + lane];
          }
          for (std::int64_t y = 0; y < 3; ++y)
            for (std::int64_t x = 0; x < width; ++x)
              sum += static_cast<double>(lhs[rows[i / columns] + y * lhs_line + x]) *
                     rhs[i % columns * plane + y * rhs_line + x];
          expect_sum(static_cast<T>(actual), sum, 128);
        }
      }
}

template <class T>
void check_products() {
  for_each_level<MatrixKernels<T>>([](const MatrixKernels<T>& table) {
    check_multiply(table);
    check_resident(table);
    check_panels(table);
    check_flat(table);
    check_few(table);
    check_dot_products(table);
    check_planes(table);
    check_weight_rows(table);
    check_plane_dots(table);
  });
}

TEST(IsaMatrix, Float32ProductsArePlainLoops) { check_products<float>(); }
TEST(IsaMatrix, Float64ProductsArePlainLoops) { check_products<double>(); }

}  // namespace
}  // namespace cotangent
