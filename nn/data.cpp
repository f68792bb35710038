// Datasets: gathering examples into batches.
#include "cotangent/nn/data.h"

#include <fmt/format.h>

#include <algorithm>

#include "cotangent/core/error.h"
#include "cotangent/nn/init.h"
#include "cotangent/ops/gather.h"
#include "cotangent/ops/movement.h"

namespace cotangent::nn {
namespace {

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
  return {slice_in_dim(inputs, begin, end), slice_in_dim(targets, begin, end)};
}

Batches::Batches(Dataset dataset, const BatchOptions& options) : dataset_(std::move(dataset)), options_(options) {
  require_examples("batches", dataset_);
  if (options.size < 1) fail("batches", fmt::format("the size must be at least 1, got {}", options.size));
  order_ = options.shuffle
               ? random::permutation(random::fold_in(options.key ? *options.key : next_key(), options.epoch),
                                     dataset_.size())
               : arange(dataset_.size());
}

std::int64_t Batches::size() const {
  const std::int64_t examples = dataset_.size(), full = examples / options_.size;
  return full + (!options_.drop_last && examples % options_.size != 0);
}

Batch Batches::batch(std::int64_t index) const {
  if (index < 0 || index >= size()) fail("batch", fmt::format("batch {} is not within 0 to {}", index, size() - 1));
  const std::int64_t begin = index * options_.size;
  const Tensor examples = slice_in_dim(order_, begin, std::min(dataset_.size(), begin + options_.size));
  return {take(dataset_.inputs, examples), take(dataset_.targets, examples)};
}

}  // namespace cotangent::nn
