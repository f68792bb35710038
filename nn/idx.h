// IDX files, plain or gzipped, and the datasets that come in them: MNIST and Fashion-MNIST.
#pragma once

#include <string>

#include "cotangent/core/tensor.h"
#include "cotangent/nn/data.h"

namespace cotangent::nn {

// The array in an IDX file (the format of Y. LeCun's MNIST page: big-endian magic, extents, elements). Signed bytes and
// shorts become Int32, everything else keeps its dtype. Whether the file is gzipped is seen from its first bytes.
// Error, naming the file, if it is missing, truncated, corrupted, longer than it says, or something else.
Tensor load_idx(const std::string& path);

enum class Split { Train, Test };

// 28 x 28 grey pictures of clothes in 10 classes: inputs Float32 (n, 28, 28, 1) in [0, 1], targets Int64 (n,) in
// [0, 10). From {train,t10k}-{images-idx3,labels-idx1}-ubyte, gzipped or not, in `folder`; without one, from where
// Debian's package dataset-fashion-mnist puts them. Error if files are missing or are not this.
Dataset load_fashion_mnist(Split split);
Dataset load_fashion_mnist(const std::string& folder, Split split);

// Handwritten digits, in files of the same names and format.
Dataset load_mnist(const std::string& folder, Split split);

}  // namespace cotangent::nn
