// LaneBits: the elements of masks. Internal.
#pragma once

#include <cstdint>
#include <type_traits>

namespace cotangent::kernels {

// The bits of an element, all of them or none: a mask of a lane.
template <class T>
using LaneBits = std::conditional_t<sizeof(T) == sizeof(std::uint32_t), std::uint32_t, std::uint64_t>;

}  // namespace cotangent::kernels
