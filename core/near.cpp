// Comparing tensors element by element.
#include "cotangent/core/near.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

template <class T>
double distance(T a, T b) {
  if (a == b) return 0;
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) && std::isnan(b)) return 0;
    const double result = std::abs(static_cast<double>(a) - static_cast<double>(b));
    return std::isnan(result) ? std::numeric_limits<double>::infinity() : result;
  } else {  // the difference of any two integers fits in 64 bits without a sign
    const std::uint64_t high = static_cast<std::uint64_t>(std::max(a, b)),
                        low = static_cast<std::uint64_t>(std::min(a, b));
    return static_cast<double>(high - low);
  }
}

template <class T>
std::string report(const Tensor& a, const Tensor& b, double tolerance) {
  const std::span<const T> left = a.data<T>(), right = b.data<T>();
  std::size_t count = 0, first = 0, worst = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (distance(left[i], right[i]) <= tolerance) continue;
    if (count++ == 0) first = worst = i;
    if (distance(left[i], right[i]) > distance(left[worst], right[worst])) worst = i;
  }
  if (count == 0) return "";
  const auto element = [&](std::size_t i) {
    return fmt::format("element {}: {} and {}", index_text(static_cast<std::int64_t>(i), a.shape()), left[i], right[i]);
  };
  std::string result =
      fmt::format("{} of {} elements of {} differ by more than {:g}\nthe worst is {}, apart by {:.3g}", count,
                  left.size(), describe(a), tolerance, element(worst), distance(left[worst], right[worst]));
  if (first != worst) result += "\nthe first is " + element(first);
  return result;
}

}  // namespace

std::string compare_tensors(const Tensor& a, const Tensor& b, double tolerance) {
  if (!(tolerance >= 0)) fail("compare_tensors", fmt::format("the tolerance must be at least 0, got {}", tolerance));
  if (a.is_null() && b.is_null()) return "";
  if (a.is_null() || b.is_null()) return fmt::format("the {} tensor is null", a.is_null() ? "first" : "second");
  if (a.shape() != b.shape()) return fmt::format("the shapes differ: {} and {}", describe(a), describe(b));
  if (a.dtype() != b.dtype()) return fmt::format("the dtypes differ: {} and {}", describe(a), describe(b));
  return visit(a.dtype(), [&]<class T>() { return report<T>(a, b, tolerance); });
}

std::string index_text(std::int64_t i, const Shape& shape) {
  Shape index = shape;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = i % shape[axis];
    i /= shape[axis];
  }
  return to_string(index);
}

}  // namespace cotangent
