// The names of convolution algorithms.
#include "cotangent/ops/conv_algorithm.h"

#include <array>

namespace cotangent {

std::string_view name(ConvAlgorithm algorithm) {
  constexpr std::array<std::string_view, 9> kNames{"Auto",        "Definition", "Im2col",   "Direct", "LongSum",
                                                   "FewFeatures", "Depthwise",  "Winograd", "Fft"};
  return kNames[static_cast<std::size_t>(algorithm)];
}

}  // namespace cotangent
