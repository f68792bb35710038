// ConvEpilogue: what becomes of a convolution's sums before they are written. Internal.
#pragma once

#include <cstdint>

namespace cotangent::kernels {

// bias[group * out_features + feature] is added unless it is null; then, with relu, what is negative becomes 0.
template <class T>
struct ConvEpilogue {
  const T* bias = nullptr;
  bool relu = false;

  bool is_empty() const { return bias == nullptr && !relu; }

  // Finishes `rows` times `features` sums, of features from first_feature on, counted through all groups.
  void apply(T* sums, std::int64_t rows, std::int64_t row_step, std::int64_t features, std::int64_t feature_step,
             std::int64_t first_feature) const {
    if (is_empty()) return;
    const T* const offsets = bias == nullptr ? nullptr : bias + first_feature;
    if (feature_step == 1)
      for (std::int64_t row = 0; row < rows; ++row) finish_row(sums + row * row_step, features, offsets);
    else
      for (std::int64_t p = 0; p < features; ++p)
        finish_column(sums + p * feature_step, rows, row_step, offsets == nullptr ? nullptr : offsets + p);
  }

 private:
  T finished(T sum) const { return relu && sum < 0 ? T{0} : sum; }

  void finish_row(T* row, std::int64_t features, const T* offsets) const {
    if (offsets == nullptr)
      for (std::int64_t p = 0; p < features; ++p) row[p] = finished(row[p]);
    else
      for (std::int64_t p = 0; p < features; ++p) row[p] = finished(row[p] + offsets[p]);
  }

  void finish_column(T* column, std::int64_t rows, std::int64_t step, const T* offset) const {
    for (std::int64_t row = 0; row < rows; ++row, column += step)
      *column = finished(offset == nullptr ? *column : *column + *offset);
  }
};

}  // namespace cotangent::kernels
