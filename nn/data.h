// Datasets, and the batches that training walks through.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>

#include "cotangent/core/random.h"
#include "cotangent/core/tensor.h"

namespace cotangent::nn {

// Examples along the first axis of both tensors: inputs[i] belongs to targets[i].
struct Dataset {
  Tensor inputs, targets;

  std::int64_t size() const { return inputs.dim(0); }

  // The examples begin, ..., end - 1. Error unless 0 <= begin <= end <= size().
  Dataset slice(std::int64_t begin, std::int64_t end) const;
};

struct Batch {
  Tensor inputs, targets;

  std::int64_t size() const { return inputs.dim(0); }
};

struct BatchOptions {
  std::int64_t size = 32;               // examples per batch
  bool shuffle = false;                 // in a new order for each call, or in that of a key and epoch
  bool drop_last = false;               // leave out a last batch that would be smaller
  std::optional<random::Key> key = {};  // of the order; none: the next of the default stream (nn/init.h)
  std::uint32_t epoch = 0;              // with a key: count it up to reshuffle
};

// A walk through a dataset, for a range-based for loop. It keeps the dataset's tensors alive.
class Batches {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::int64_t;
    using pointer = void;
    using reference = Batch;

    Iterator(const Batches* batches, std::int64_t index) : batches_(batches), index_(index) {}
    Batch operator*() const { return batches_->batch(index_); }
    Iterator& operator++() { return ++index_, *this; }
    Iterator operator++(int) { return {batches_, index_++}; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

   private:
    const Batches* batches_;
    std::int64_t index_;
  };

  Batches(Dataset dataset, const BatchOptions& options);

  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }
  std::int64_t size() const;  // the number of batches

  // Batch `index` of size().
  Batch batch(std::int64_t index) const;

 private:
  Dataset dataset_;
  BatchOptions options_;
  Tensor order_;  // of the examples
};

// The dataset in batches: `for (const auto& batch : batches(train, {.size = 64, .shuffle = true, .epoch = epoch}))`.
// Error if inputs and targets have different numbers of examples, or the size is not positive.
inline Batches batches(const Dataset& dataset, const BatchOptions& options = {}) { return {dataset, options}; }

}  // namespace cotangent::nn
