// Random choices: permutations, samples of numbers, categories.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "cotangent/core/error.h"
#include "cotangent/core/random.h"
#include "cotangent/core/random_bits.h"
#include "cotangent/core/shapes_only.h"

namespace cotangent::random {
namespace {

void require_probabilities(const Tensor& probabilities, std::int64_t n, std::int64_t needed) {
  require_floating("choice", probabilities.dtype());
  if (probabilities.shape() != Shape({n}))
    fail("choice", fmt::format("needs a probability for each of the {} numbers, got shape {}", n,
                               to_string(probabilities.shape())));
  if (!probabilities.has_elements()) return;
  visit_floating(probabilities.dtype(), [&]<class T>() {
    const std::span<const T> p = probabilities.data<T>();
    for (std::size_t i = 0; i < p.size(); ++i)
      if (!(p[i] >= 0 && std::isfinite(p[i])))
        fail("choice", fmt::format("probabilities must be finite and not negative, got {} for {}", p[i], i));
    const std::int64_t possible = static_cast<std::int64_t>(p.size()) - std::ranges::count(p, T{0});
    if (possible < needed)
      fail("choice",
           fmt::format("only {} probabilities are not 0, too few for {} different numbers", possible, needed));
    if (!std::isfinite(std::accumulate(p.begin(), p.end(), T{0})))
      fail("choice", fmt::format("the sum of the probabilities is beyond {}", name(probabilities.dtype())));
  });
}

// Independent numbers, all equally probable: from 32-bit words, as in JAX, for as long as these suffice.
Tensor choose_uniformly(const Key& key, const Shape& shape, std::int64_t n) {
  if (n > std::numeric_limits<std::int32_t>::max()) return randint(key, shape, 0, n, DType::Int64);
  const Tensor drawn = randint(key, shape, 0, n);
  Tensor result = Tensor::uninitialized(shape, DType::Int64);
  std::ranges::copy(drawn.data<std::int32_t>(), result.mutable_data<std::int64_t>().begin());
  return result;
}

// Independent numbers: the first whose cumulative probability reaches a uniform number in (0, total].
template <class T>
Tensor choose_with_replacement(const Key& key, const Shape& shape, std::span<const T> probabilities) {
  std::vector<T> cumulative = make_vector<T>("choice", static_cast<std::int64_t>(probabilities.size()));
  std::partial_sum(probabilities.begin(), probabilities.end(), cumulative.begin());
  Tensor result = Tensor::uninitialized(shape, DType::Int64);
  const Unit<T> unit("choice", key, result.size());
  fill<std::int64_t>(result, [&](std::int64_t e) {
    const T target = cumulative.back() * (T{1} - unit(e));
    return std::lower_bound(cumulative.begin(), cumulative.end(), target) - cumulative.begin();
  });
  return result;
}

// Different numbers: those with the largest sums of a Gumbel number and the logarithm of their probability (the
// "Gumbel top-k trick": T. Vieira, "Gumbel-max trick and weighted reservoir sampling", 2014).
template <class T>
Tensor choose_different(const Key& key, const Shape& shape, std::span<const T> probabilities) {
  const auto n = static_cast<std::int64_t>(probabilities.size());
  const Tensor noise = gumbel(key, {n}, dtype_of<T>());
  auto scores = make_vector<std::pair<T, std::int64_t>>("choice", n);
  for (std::size_t i = 0; i < scores.size(); ++i)
    scores[i] = {-(noise.data<T>()[i] + std::log(probabilities[i])), static_cast<std::int64_t>(i)};
  Tensor result = Tensor::uninitialized(shape, DType::Int64);
  std::partial_sort(scores.begin(), scores.begin() + result.size(), scores.end());
  fill<std::int64_t>(result, [&](std::int64_t e) { return scores[static_cast<std::size_t>(e)].second; });
  return result;
}

}  // namespace

// Stable sorts by random 32-bit words, as JAX does them. Items whose words collide keep their order; the sort is
// repeated until the words of all rounds together could tell n^3 items apart, so that this hardly happens.
Tensor permutation(const Key& key, std::int64_t n) {
  if (ShapesOnly::active()) return Tensor::uninitialized({n}, DType::Int64);
  using Item = std::pair<std::uint32_t, std::int64_t>;
  std::vector<Item> items = make_vector<Item>("permutation", n);
  const double rounds = std::ceil(3 * std::log(static_cast<double>(std::max<std::int64_t>(1, n))) /
                                  std::log(static_cast<double>(std::numeric_limits<std::uint32_t>::max())));
  for (std::int64_t e = 0; e < n; ++e) items[static_cast<std::size_t>(e)].second = e;
  Key current = key;
  for (int round = 0; round < rounds; ++round) {
    const std::vector<Key> keys = split(current);
    current = keys[0];
    const Draw<std::uint32_t> words("permutation", keys[1], n);
    fill(items.data(), n, [&](std::int64_t e) { return Item(words(e), items[static_cast<std::size_t>(e)].second); });
    std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.first < b.first; });
  }
  Tensor result = Tensor::uninitialized({n}, DType::Int64);
  fill<std::int64_t>(result, [&](std::int64_t e) { return items[static_cast<std::size_t>(e)].second; });
  return result;
}

Tensor choice(const Key& key, std::int64_t n, const Shape& shape, bool replace, const Tensor& probabilities) {
  require_valid("choice", shape);
  const std::int64_t draws = shape.elements();
  if (n < 0 || (n == 0 && draws > 0) || (!replace && draws > n))
    fail("choice", fmt::format("cannot take {} {}numbers from {}", draws, replace ? "" : "different ", n));
  if (!probabilities.is_null())
    require_probabilities(probabilities, n, replace ? std::min<std::int64_t>(draws, 1) : draws);
  if (draws == 0) return zeros(shape, DType::Int64);
  if (ShapesOnly::active()) return Tensor::uninitialized(shape, DType::Int64);
  if (probabilities.is_null()) {
    if (replace) return choose_uniformly(key, shape, n);
    const Tensor order = permutation(key, n);
    return Tensor::from_data<std::int64_t>(shape, order.data<std::int64_t>().first(static_cast<std::size_t>(draws)));
  }
  return visit_floating(probabilities.dtype(), [&]<class T>() {
    return (replace ? choose_with_replacement<T> : choose_different<T>)(key, shape, probabilities.data<T>());
  });
}

// For each line, the category with the largest sum of its logit and a Gumbel number.
Tensor categorical(const Key& key, const Tensor& logits, int axis, const std::optional<Shape>& shape) {
  require_floating("categorical", logits.dtype());
  const int line_axis = normalize_axis("categorical", axis, logits.ndim());
  const Shape& whole = logits.shape();
  const Shape before(whole.begin(), whole.begin() + line_axis), after(whole.begin() + line_axis + 1, whole.end());
  Shape lines = before;
  for (std::int64_t extent : after) lines.push_back(extent);
  const Shape drawn = shape.value_or(lines);
  require_valid("categorical", drawn);
  if (drawn.ndim() < lines.ndim() || !std::equal(lines.begin(), lines.end(), drawn.end() - lines.ndim()))
    fail("categorical", fmt::format("the shape must end with {}, the shape of the logits without axis {}, got {}",
                                    to_string(lines), line_axis, to_string(drawn)));

  const std::int64_t categories = whole[static_cast<std::size_t>(line_axis)], inner = after.elements();
  const std::int64_t outer = before.elements(), count = lines.elements();
  Tensor result = Tensor::uninitialized(drawn, DType::Int64);
  if (!result.has_elements()) return result;
  visit_floating(logits.dtype(), [&]<class T>() {
    const std::span<const T> logit = logits.data<T>();
    // Category c of line l, where a line is `inner` elements from category to category.
    const auto at = [&](std::int64_t line, std::int64_t c) {
      return (line / inner * categories + c) * inner + line % inner;
    };
    for (std::int64_t line = 0; line < count; ++line) {
      T largest = -std::numeric_limits<T>::infinity();
      for (std::int64_t c = 0; c < categories; ++c) {
        const T value = logit[static_cast<std::size_t>(at(line, c))];
        if (!(value <= std::numeric_limits<T>::max()))
          fail("categorical", fmt::format("logits must not be NaN or infinity, got {} for category {}", value, c));
        largest = std::max(largest, value);
      }
      if (std::isinf(largest)) fail("categorical", fmt::format("no category of line {} is possible", line));
    }
    const std::int64_t block = outer * categories * inner, repeats = count == 0 ? 0 : result.size() / count;
    const Tensor noise = gumbel(key, {repeats, block}, logits.dtype());
    fill<std::int64_t>(result, [&](std::int64_t e) {
      const T* random = noise.data<T>().data() + e / count * block;
      const auto score = [&](std::int64_t c) {
        const std::int64_t i = at(e % count, c);
        return random[i] + logit[static_cast<std::size_t>(i)];
      };
      std::int64_t best = 0;
      for (std::int64_t c = 1; c < categories; ++c)
        if (score(c) > score(best)) best = c;
      return best;
    });
  });
  return result;
}

}  // namespace cotangent::random
