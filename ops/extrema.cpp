// The largest and smallest elements over axes, and where they are.
#include <limits>

#include "cotangent/ops/arithmetic.h"
#include "cotangent/ops/compare.h"
#include "cotangent/ops/kernels/reduction.h"
#include "cotangent/ops/reduce.h"
#include "cotangent/ops/where.h"

namespace cotangent {
namespace {

using kernels::reduce_with;

// Which of two elements is wanted. NaN is wanted most.
struct Largest {
  template <class T>
  static constexpr T worst = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::lowest();
  template <class T>
  static bool beats(T challenger, T holder) {
    return challenger > holder || challenger != challenger;
  }
  static auto of(const auto& x) { return x.template maxCoeff<Eigen::PropagateNaN>(); }
};

struct Smallest {
  template <class T>
  static constexpr T worst = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::max();
  template <class T>
  static bool beats(T challenger, T holder) {
    return challenger < holder || challenger != challenger;
  }
  static auto of(const auto& x) { return x.template minCoeff<Eigen::PropagateNaN>(); }
};

template <class Wanted>
struct Extremum {
  static constexpr Saves saves = Saves::InputsAndOutput;
  static constexpr bool needs_elements = true, not_bool = true;
  static DType dtype(DType input) { return input; }

  template <class T>
  struct Operation {
    using Accumulator = T;
    static constexpr T initial = Wanted::template worst<T>;
    static T strip(const auto& x, std::int64_t) { return Wanted::of(x); }
    static void take(T& best, T element, std::int64_t) { best = combine(best, element); }
    static T combine(T a, T b) { return Wanted::beats(b, a) ? b : a; }
    static T result(T best) { return best; }
  };

  static Tensor vjp(const Tensor& x, const Tensor& y, const Tensor& g, const std::vector<int>& axes) {
    const Tensor winners = equal(x, y);
    return where(winners, g / sum(winners.to(g.dtype()), axes, true), 0);
  }
};

struct Max : Extremum<Largest> {
  static constexpr std::string_view name = "max";
};
struct Min : Extremum<Smallest> {
  static constexpr std::string_view name = "min";
};

template <class Wanted>
struct Position {
  static constexpr Saves saves = Saves::Nothing;
  static constexpr bool needs_elements = true, not_bool = true;
  static DType dtype(DType) { return DType::Int64; }

  template <class T>
  struct Operation {
    struct Accumulator {
      T value;
      std::int64_t index;  // -1 before any element
    };
    static constexpr Accumulator initial{T{0}, -1};
    static Accumulator strip(const auto& x, std::int64_t index) {
      const T best = Wanted::of(x);
      std::int64_t first = 0;
      while (best == best ? x[first] != best : x[first] == x[first]) ++first;
      return {best, index + first};
    }
    static void take(Accumulator& best, T element, std::int64_t index) { best = combine(best, {element, index}); }
    static Accumulator combine(const Accumulator& earlier, const Accumulator& later) {
      const bool earlier_is_nan = earlier.value != earlier.value;
      if (later.index < 0 || (earlier.index >= 0 && (earlier_is_nan || !Wanted::beats(later.value, earlier.value))))
        return earlier;
      return later;
    }
    static std::int64_t result(const Accumulator& best) { return best.index; }
  };

  static Tensor vjp(const Tensor&, const Tensor&, const Tensor&, const std::vector<int>&) { return Tensor(); }
};

struct ArgMax : Position<Largest> {
  static constexpr std::string_view name = "argmax";
};
struct ArgMin : Position<Smallest> {
  static constexpr std::string_view name = "argmin";
};

// Bool orders as 0 and 1.
Tensor ordered(const Tensor& x) { return x.dtype() == DType::Bool ? x.to(DType::UInt8) : x; }

}  // namespace

Tensor max(const Tensor& x, const Axes& axes, bool keepdims) { return reduce_with<Max>(x, axes, keepdims); }
Tensor min(const Tensor& x, const Axes& axes, bool keepdims) { return reduce_with<Min>(x, axes, keepdims); }

Tensor argmax(const Tensor& x) { return reduce_with<ArgMax>(ordered(x), {}, false); }
Tensor argmax(const Tensor& x, int axis, bool keepdims) { return reduce_with<ArgMax>(ordered(x), axis, keepdims); }
Tensor argmin(const Tensor& x) { return reduce_with<ArgMin>(ordered(x), {}, false); }
Tensor argmin(const Tensor& x, int axis, bool keepdims) { return reduce_with<ArgMin>(ordered(x), axis, keepdims); }

}  // namespace cotangent
