// The .npy format: tensors in files that NumPy reads and writes.
#pragma once

#include <string>
#include <string_view>

#include "cotangent/core/tensor.h"

namespace cotangent {

// Writes `tensor` in format version 1.0 (2.0 if the header needs it); every dtype has its NumPy counterpart. All or
// nothing, as write_file. (numpy.save)
void save_npy(const std::string& path, const Tensor& tensor);

// Reads format versions 1.0 to 3.0 with elements '<f4', '<f8', '<i4', '<i8', '|u1' or '|b1', big-endian ones as well,
// in C or in Fortran order. Error for any other element type (Python objects among them, which are code), and for a
// file that is damaged, cut short or longer than its header says. (numpy.load)
Tensor load_npy(const std::string& path);

// As load_npy, for the bytes of such a file; `source` is what messages call it.
Tensor parse_npy(std::string_view bytes, std::string_view source);

}  // namespace cotangent
