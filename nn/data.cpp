// Datasets: gathering examples into batches.
#include "cotangent/nn/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "cotangent/core/error.h"
#include "cotangent/core/parallel.h"

namespace cotangent::nn {
namespace {

constexpr std::int64_t kBlock = 1 << 16;  // elements a thread copies at once

// x[rows[0]], x[rows[1]], ... along the first axis; any dtype.
Tensor gather_rows(const Tensor& x, std::span<const std::int64_t> rows) {
  Shape shape = x.shape();
  shape[0] = static_cast<std::int64_t>(rows.size());
  Tensor result = Tensor::uninitialized(shape, x.dtype());
  const std::int64_t width = rows.empty() ? 0 : result.size() / shape[0];
  visit(x.dtype(), [&]<class T>() {
    const T* const from = x.data<T>().data();
    T* const to = result.mutable_data<T>().data();
    parallel_for(shape[0], std::max<std::int64_t>(1, kBlock / std::max<std::int64_t>(1, width)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i)
                     std::copy_n(from + rows[static_cast<std::size_t>(i)] * width, width, to + i * width);
                 });
  });
  return result;
}

void require_examples(std::string_view operation, const Dataset& dataset) {
  for (const Tensor* tensor : {&dataset.inputs, &dataset.targets})
    if (tensor->is_null() || tensor->ndim() == 0)
      fail(operation, fmt::format("inputs and targets need a first axis that counts examples, got {} and {}",
                                  describe(dataset.inputs), describe(dataset.targets)));
  if (dataset.inputs.dim(0) != dataset.targets.dim(0))
    fail(operation, fmt::format("each input needs a target, got {} inputs and {} targets", dataset.inputs.dim(0),
                                dataset.targets.dim(0)));
}

}  // namespace

Dataset Dataset::slice(std::int64_t begin, std::int64_t end) const {
  require_examples("slice", *this);
  if (begin < 0 || end < begin || end > size())
    fail("slice", fmt::format("examples {} to {} are not within 0 to {}", begin, end, size()));
  std::vector<std::int64_t> rows(static_cast<std::size_t>(end - begin));
  std::iota(rows.begin(), rows.end(), begin);
  return {gather_rows(inputs, rows), gather_rows(targets, rows)};
}

Batches::Batches(Dataset dataset, const BatchOptions& options) : dataset_(std::move(dataset)), options_(options) {
  require_examples("batches", dataset_);
  if (options.size < 1) fail("batches", fmt::format("the size must be at least 1, got {}", options.size));
  order_.resize(static_cast<std::size_t>(dataset_.size()));
  if (options.shuffle) {
    const Tensor order = random::permutation(random::fold_in(options.key, options.epoch), dataset_.size());
    std::ranges::copy(order.data<std::int64_t>(), order_.begin());
  } else {
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
  }
}

std::int64_t Batches::size() const {
  const std::int64_t examples = dataset_.size(), full = examples / options_.size;
  return full + (!options_.drop_last && examples % options_.size != 0);
}

Batch Batches::batch(std::int64_t index) const {
  if (index < 0 || index >= size()) fail("batch", fmt::format("batch {} is not within 0 to {}", index, size() - 1));
  const auto begin = static_cast<std::size_t>(index * options_.size);
  const std::size_t count = std::min(static_cast<std::size_t>(options_.size), order_.size() - begin);
  const std::span<const std::int64_t> rows = std::span(order_).subspan(begin, count);
  return {gather_rows(dataset_.inputs, rows), gather_rows(dataset_.targets, rows)};
}

}  // namespace cotangent::nn
