// Tensors in a safetensors file, which PyTorch, JAX and others read and write too.
#pragma once

#include <map>
#include <string>

#include "cotangent/core/tensor.h"

namespace cotangent::nn {

// The format (https://github.com/huggingface/safetensors): the length of a JSON header as 8 bytes, the header with
// dtype, shape and place of each tensor, then all elements, little-endian. Equal tensors make equal files.

// Writes the tensors under their names, whole or not at all: see write_file(). Error for a null tensor, the reserved
// name "__metadata__", or a name that is not UTF-8.
void save_safetensors(const std::map<std::string, Tensor>& tensors, const std::string& path);

// The tensors in a file, by name. Error, naming the file and the tensor, for dtypes other than F32, F64, I32, I64, U8
// and BOOL, and for everything that the format forbids: nothing is read outside the file, twice, or not at all.
std::map<std::string, Tensor> load_safetensors(const std::string& path);

}  // namespace cotangent::nn
