// Tests of the copies and the shifted sums of every instruction set that this processor has, against plain loops.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "cotangent/ops/kernels/isa/matrix.h"
#include "isa_levels.h"

namespace cotangent {
namespace {

using kernels::BlockCopy;
using kernels::MatrixKernels;
using testing::expect_sum;
using testing::for_each_level;
using testing::rectified;
using testing::samples;

// How far apart what is adjacent in a dense layout lies, on both sides.
struct Apart {
  std::int64_t from, to;
};

// One block and several, of every layout. What is read ends where `from` does.
template <class T>
void check_copy(const MatrixKernels<T>& table) {
  constexpr std::int64_t kPitch = 40, kBlock = 3 * kPitch * kPitch;
  const std::vector<T> all = samples<T>(kBlock * 3, -1, 1, 1);
  for (std::int64_t rows : {1, 3, 8, 16, 17, 33})
    for (std::int64_t columns : {1, 5, 8, 16, 19, 33})
      for (int layout = 0; layout < 4; ++layout)
        for (const Apart apart : {Apart{1, 1}, Apart{2, 1}, Apart{3, 1}, Apart{1, 2}, Apart{1, 3}, Apart{2, 2}})
          for (std::int64_t blocks : {1, 3}) {
            SCOPED_TRACE(::testing::Message() << rows << " x " << columns << ", " << blocks << " of layout " << layout
                                              << ", apart by " << apart.from << " and " << apart.to);
            const bool from_rows = layout % 2 == 0, to_rows = layout / 2 == 0;
            const std::int64_t from_row = from_rows ? kPitch : apart.from,
                               from_column = from_rows ? apart.from : kPitch, from_block = kBlock - 7;
            const std::int64_t end =
                (blocks - 1) * from_block + (rows - 1) * from_row + (columns - 1) * from_column + 1;
            const std::vector<T> from(all.begin(), all.begin() + end);
            std::vector<T> to(kBlock * 3, T(77));
            const BlockCopy<T> c{.rows = rows,
                                 .columns = columns,
                                 .from = from.data(),
                                 .from_row = from_row,
                                 .from_column = from_column,
                                 .to = to.data(),
                                 .to_row = apart.to * (to_rows ? kPitch : 1),
                                 .to_column = apart.to * (to_rows ? 1 : kPitch),
                                 .blocks = blocks,
                                 .from_block = from_block,
                                 .to_block = kBlock};
            table.copy(c);
            std::int64_t written = 0;
            for (std::int64_t b = 0; b < blocks; ++b)
              for (std::int64_t i = 0; i < rows; ++i)
                for (std::int64_t j = 0; j < columns; ++j, ++written)
                  ASSERT_EQ(to[b * c.to_block + i * c.to_row + j * c.to_column],
                            from[b * c.from_block + i * c.from_row + j * c.from_column]);
            for (T value : to) written -= value != T(77);
            ASSERT_EQ(written, 0) << "wrote outside of the blocks";
          }
}

// Rows without gaps, which are copied as one.
template <class T>
void check_dense_copy(const MatrixKernels<T>& table) {
  const std::vector<T> from = samples<T>(7 * 11, -1, 1, 1);
  std::vector<T> to(7 * 11 + 1, T(77));
  table.copy({7, 11, from.data(), 11, 1, to.data(), 11, 1});
  for (std::size_t i = 0; i < from.size(); ++i) ASSERT_EQ(to[i], from[i]);
  ASSERT_EQ(to.back(), T(77));
}

// Rows without gaps on one side, whose columns are apart on the other: as features of pixels and planes of them.
template <class T>
void check_interleaved_copy(const MatrixKernels<T>& table) {
  constexpr std::int64_t kPlane = 71, kBlocks = 2;
  for (std::int64_t features : {2, 3, 4, 8, 16})
    for (std::int64_t pixels : {1, 4, 15, 16, 17, 50}) {
      SCOPED_TRACE(::testing::Message() << pixels << " pixels of " << features << " features");
      const std::int64_t block = pixels * features + 5, planes = features * kPlane;
      const std::vector<T> from = samples<T>((kBlocks - 1) * block + pixels * features, -1, 1, 1);
      std::vector<T> apart(kBlocks * planes, T(77)), back(from.size(), T(77));
      table.copy({pixels, features, from.data(), features, 1, apart.data(), 1, kPlane, kBlocks, block, planes});
      table.copy({features, pixels, apart.data(), kPlane, 1, back.data(), 1, features, kBlocks, planes, block});
      for (std::int64_t b = 0; b < kBlocks; ++b) {
        for (std::int64_t f = 0; f < features; ++f)
          for (std::int64_t x = 0; x < kPlane; ++x)
            ASSERT_EQ(apart[b * planes + f * kPlane + x], x < pixels ? from[b * block + x * features + f] : T(77))
                << b << ", " << f << ", " << x;
        for (std::int64_t i = 0; i < pixels * features; ++i) ASSERT_EQ(back[b * block + i], from[b * block + i]) << i;
      }
      for (std::int64_t i = pixels * features; i < block; ++i) ASSERT_EQ(back[i], T(77)) << "wrote between the blocks";
      // The same with rows as columns.
      std::vector<T> apart_too(apart.size(), T(77)), back_too(back.size(), T(77));
      table.copy({features, pixels, from.data(), 1, features, apart_too.data(), kPlane, 1, kBlocks, block, planes});
      table.copy({pixels, features, apart.data(), 1, kPlane, back_too.data(), features, 1, kBlocks, planes, block});
      ASSERT_EQ(apart_too, apart);
      ASSERT_EQ(back_too, back);
    }
}

// Adjacent features in `from`, and features or positions in `out`; with a bias, one of which may be not a number.
template <class T>
void check_sum_shifted(const MatrixKernels<T>& table) {
  const std::int64_t offsets[] = {11, 0, 300, 4, 2};
  const std::vector<T> from = samples<T>(1200, -1, 1, 1);
  for (bool out_planar : {false, true})
    for (std::int64_t features = 1; features <= 4; ++features)
      for (std::int64_t positions : {1, 3, 4, 5, 8, 16, 23, 64, 97})
        for (int kind = 0; kind < 5; ++kind) {
          SCOPED_TRACE(::testing::Message() << positions << " positions of " << features << " features, kind " << kind);
          const bool relu = kind % 2 == 1, biased = kind >= 2;
          const std::int64_t terms = positions == 5 ? 0 : 5;
          std::vector<T> bias = samples<T>(features, -1, 1, 2), out((positions + 2) * 8, T(77));
          if (kind == 4) bias[0] = std::numeric_limits<T>::quiet_NaN();
          const kernels::ShiftedSums<T> s{.from = from.data(),
                                          .from_step = 7,
                                          .offsets = offsets,
                                          .terms = terms,
                                          .positions = positions,
                                          .features = features,
                                          .bias = biased ? bias.data() : nullptr,
                                          .out = out.data(),
                                          .out_step = out_planar ? 1 : 8,
                                          .out_feature = out_planar ? positions + 1 : 1,
                                          .relu = relu || kind == 4};
          table.sum_shifted(s);
          std::int64_t written = 0;
          for (std::int64_t j = 0; j < positions; ++j)
            for (std::int64_t f = 0; f < features; ++f, ++written) {
              double sum = biased ? static_cast<double>(bias[f]) : 0.0;
              for (std::int64_t t = 0; t < terms; ++t) sum += from[offsets[t] + j * s.from_step + f];
              expect_sum(out[j * s.out_step + f * s.out_feature], s.relu ? rectified(sum) : sum);
              if (::testing::Test::HasFatalFailure()) FAIL() << "at " << j << ", " << f;
            }
          for (T value : out) written -= value != T(77);
          ASSERT_EQ(written, 0) << "wrote outside";
        }
}

// One line or two in turn, some of whose terms end before their sums do; what lies beyond is not a number.
template <class T>
void check_sum_lines(const MatrixKernels<T>& table) {
  constexpr std::int64_t kFeature = 700, kPlace = 150;
  for (std::int64_t lines : {1, 2})
    for (std::int64_t count : {1, 2, 3, 7, 8, 15, 16, 17, 32, 33, 50})
      for (std::int64_t step : {1, 3})
        for (int kind = 0; kind < 5; ++kind) {
          SCOPED_TRACE(::testing::Message()
                       << lines << " lines of " << count << ", step " << step << ", kind " << kind);
          const std::int64_t sums[] = {count, lines == 1 ? 0 : count - kind % 2};
          const kernels::LineTerm terms[] = {{2, 0, count},
                                             {kPlace + 1, 1, count},
                                             {2 * kPlace, 0, count - 1},
                                             {3 * kPlace, count, 99},
                                             {20, count / 2, count}};
          std::vector<T> from(3 * kFeature, std::numeric_limits<T>::quiet_NaN()), out(3 * 400, T(77));
          const std::vector<T> values = samples<T>(3 * kFeature, -1, 1, 1);
          for (std::int64_t f = 0; f < 3; ++f)
            for (const kernels::LineTerm& t : terms)
              for (std::int64_t j = t.first; j < std::min(t.last, count); ++j)
                from[f * kFeature + t.from + j] = values[f * kFeature + t.from + j];
          std::vector<T> bias = samples<T>(3, -1, 1, 2);
          if (kind == 4) bias[0] = std::numeric_limits<T>::quiet_NaN();
          kernels::LineSums<T> s{};
          s.from = from.data();
          s.from_feature = kFeature;
          s.features = 3;
          s.lines = lines;
          for (std::int64_t i = 0; i < lines; ++i) {
            s.terms[i] = terms + i;
            s.term_count[i] = 5 - i;
            s.sums[i] = sums[i];
          }
          s.bias = kind >= 2 ? bias.data() : nullptr;
          s.out = out.data();
          s.out_step = step;
          s.out_feature = 400;
          s.relu = kind == 1 || kind == 4;
          table.sum_lines(s);
          std::int64_t written = 0;
          for (std::int64_t f = 0; f < 3; ++f)
            for (std::int64_t i = 0; i < lines; ++i)
              for (std::int64_t j = 0; j < sums[i]; ++j, ++written) {
                double sum = s.bias != nullptr ? static_cast<double>(bias[f]) : 0.0;
                for (std::int64_t t = i; t < 5; ++t)
                  if (j >= terms[t].first && j < terms[t].last) sum += from[f * kFeature + terms[t].from + j];
                expect_sum(out[f * 400 + (j * lines + i) * step], s.relu ? rectified(sum) : sum);
              }
          for (T value : out) written -= value != T(77);
          ASSERT_EQ(written, 0) << "wrote outside";
        }
}

template <class T>
void check() {
  for_each_level<MatrixKernels<T>>([](const MatrixKernels<T>& table) {
    check_copy(table);
    check_dense_copy(table);
    check_interleaved_copy(table);
    check_sum_shifted(table);
    check_sum_lines(table);
  });
}

TEST(IsaCopy, Float32CopiesAndSumsArePlainLoops) { check<float>(); }
TEST(IsaCopy, Float64CopiesAndSumsArePlainLoops) { check<double>(); }

}  // namespace
}  // namespace cotangent
