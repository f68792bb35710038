// The latest choices of algorithms for convolutions.
#include <array>
#include <mutex>

#include "cotangent/core/parallel.h"
#include "cotangent/ops/kernels/conv_choice.h"

namespace cotangent::kernels {
namespace {

// A choice and what it follows from. Costs, and so what a limit allows, depend on the number of threads.
struct Choice {
  ConvProblem problem;
  std::int64_t element_size;
  ConvLimits limits;
  int threads;
  std::shared_ptr<const std::vector<ConvStep>> steps;
};

std::size_t hash(const ConvProblem& problem) {
  std::size_t result = 0;
  const auto mix = [&result](std::int64_t value) {
    result = (result ^ static_cast<std::size_t>(value)) * 0x9E3779B97F4A7C15u;
    result ^= result >> 32;
  };
  mix(problem.batch);
  mix(problem.in_features);
  mix(problem.out_features);
  for (const ConvAxis& axis : problem.axes) {
    mix(axis.in);
    mix(axis.kernel);
    mix(axis.out);
  }
  return result;
}

}  // namespace

std::shared_ptr<const std::vector<ConvStep>> remembered_choice(std::string_view operation, const ConvProblem& problem,
                                                               std::int64_t element_size, const ConvLimits& limits) {
  static std::mutex mutex;
  static std::array<Choice, 256> choices;
  Choice& place = choices[hash(problem) % choices.size()];
  const int threads = num_threads();
  {
    const std::lock_guard guard(mutex);
    if (place.steps != nullptr && place.element_size == element_size && place.threads == threads &&
        place.limits == limits && place.problem == problem)
      return place.steps;
  }
  auto steps = std::make_shared<const std::vector<ConvStep>>(choose(operation, problem, element_size, limits));
  const std::lock_guard guard(mutex);
  place = {problem, element_size, limits, threads, steps};
  return steps;
}

}  // namespace cotangent::kernels
