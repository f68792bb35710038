// Compares the algorithm that is chosen with every other one, on random convolutions or those of a file such as
// layers.txt: how far the choice is from the best, and where: `choice [SECONDS [SEED]]` or `choice FILE`.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "named_convs.h"

namespace {

using namespace cotangent;
using testing::ConvCase;

constexpr std::int64_t kLeast = 300'000, kMost = 200'000'000;  // multiply-adds of a problem
constexpr std::int64_t kMostElements = 20'000'000;             // of an operand
constexpr int kRounds = 6;
constexpr double kTooSlow = 6;  // times as slow as the chosen one: not timed again
constexpr std::size_t kWorst = 15;

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  std::int64_t pick(std::initializer_list<std::int64_t> of) { return of.begin()[generator_() % of.size()]; }
  bool one_in(unsigned count) { return generator_() % count == 0; }

 private:
  std::mt19937 generator_;
};

// A problem in the notation of problems.h.
std::string random_problem(Random& random) {
  const std::int64_t rank = random.pick({1, 2, 2, 2, 3}), batch = random.pick({1, 1, 4, 8, 32, 64});
  std::int64_t in = random.pick({1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512}),
               out = random.pick({1, 2, 3, 4, 8, 10, 16, 24, 32, 48, 64, 96, 128, 256, 512}), groups = 1;
  if (random.one_in(6)) groups = in, out = in * random.pick({1, 1, 2});
  else if (random.one_in(8)) groups = random.pick({2, 4, 8}), in *= groups, out *= groups;
  const std::int64_t kernel = random.pick({1, 1, 2, 3, 3, 3, 3, 4, 5, 7, 9, 11}), stride = random.pick({1, 1, 1, 2, 3}),
                     dilation = stride == 1 ? random.pick({1, 1, 1, 2, 3}) : 1;
  const std::int64_t extent = rank == 1   ? random.pick({28, 100, 256, 1000, 4096})
                              : rank == 2 ? random.pick({4, 7, 8, 14, 16, 28, 32, 56, 112})
                                          : random.pick({4, 8, 12, 16, 24});
  std::string image = std::to_string(extent);
  for (std::int64_t axis = 1; axis < rank; ++axis) image += fmt::format("x{}", extent);
  return fmt::format("n{} c{} o{} i{} k{} s{} p{} d{} g{}{}", batch, in, out, image, kernel, stride,
                     (kernel - 1) * dilation / 2, dilation, groups,
                     groups == 1 && random.one_in(6) ? " transposed" : "");
}

struct Timed {
  ConvAlgorithm algorithm;
  ConvOptions options;
  double seconds;
};

double seconds_of(const Tensor& lhs, const Tensor& rhs, const ConvOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  conv_general_dilated(lhs, rhs, options);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Of the chosen algorithm, which comes first, and of all others that serve.
std::vector<Timed> time_all(const ConvCase& c, ConvAlgorithm chosen) {
  const Tensor lhs = random::normal(random::Key(1), c.lhs), rhs = random::normal(random::Key(2), c.rhs);
  std::vector<Timed> result{{chosen, c.options(), 0}};
  for (const ConvAlgorithm algorithm : testing::kAllAlgorithms) {
    if (algorithm == chosen || algorithm == ConvAlgorithm::Definition) continue;
    if (!testing::serves(algorithm, c, DType::Float32)) continue;
    result.push_back({algorithm, c.options(), 0});
    result.back().options.algorithm = algorithm;
  }
  for (int round = 0; round < kRounds; ++round)
    for (Timed& timed : result) {
      if (timed.seconds > kTooSlow * result[0].seconds && round > 1) continue;
      const double seconds = seconds_of(lhs, rhs, timed.options);
      timed.seconds = round == 0 ? seconds : std::min(timed.seconds, seconds);
    }
  return result;
}

struct Losses {
  int count = 0;
  double logarithms = 0;

  double mean() const { return std::exp(logarithms / std::max(count, 1)); }
};

// What the choice lost on problems.
class Report {
 public:
  void add(const bench::ConvProblem& problem, std::size_t direction, bool last) {
    const ConvCase c = testing::directions(testing::case_of(problem, last))[direction];
    const ConvAlgorithm chosen = testing::explain_case(c).algorithm;
    const std::vector<Timed> times = time_all(c, chosen);
    const Timed best =
        *std::min_element(times.begin(), times.end(), [](auto& a, auto& b) { return a.seconds < b.seconds; });
    const double ratio = times[0].seconds / best.seconds;
    for (Losses* losses : {&all_, &pairs_[{name(chosen), name(best.algorithm)}]}) {
      ++losses->count;
      losses->logarithms += std::log(ratio);
    }
    worst_.push_back(
        {ratio, fmt::format("{:5.2f}  {} instead of {}: {}, {}, channels {}, {:.0f} us", ratio, name(chosen),
                            name(best.algorithm), problem.name, bench::name(bench::kDirections[direction]),
                            last ? "last" : "first", times[0].seconds * 1e6)});
  }

  void print() {
    fmt::print("{} problems, {} thread(s); time of the chosen algorithm over that of the best:\n", all_.count,
               num_threads());
    fmt::print("{:.3f} in the geometric mean\n\n", all_.mean());
    for (const auto& [pair, losses] : pairs_)
      if (pair.first != pair.second)
        fmt::print("{:5d} times {:11} where {:11} is best: {:.2f}\n", losses.count, pair.first, pair.second,
                   losses.mean());
    std::sort(worst_.begin(), worst_.end(), [](const Loss& a, const Loss& b) { return a.ratio > b.ratio; });
    worst_.resize(std::min(worst_.size(), kWorst));
    fmt::print("\nworst:\n");
    for (const Loss& loss : worst_) fmt::print("{}\n", loss.text);
  }

 private:
  struct Loss {
    double ratio;
    std::string text;
  };

  Losses all_;
  std::map<std::pair<std::string_view, std::string_view>, Losses> pairs_;
  std::vector<Loss> worst_;
};

// False for problems without an output, and for those too small or too large to be timed by the hundred.
bool is_worth_timing(const bench::ConvProblem& problem, std::size_t direction, bool last) {
  const std::vector<std::int64_t> outputs = problem.out_spatial();
  if (*std::min_element(outputs.begin(), outputs.end()) < 1) return false;
  const ConvCase c = testing::directions(testing::case_of(problem, last))[direction];
  if (std::max(c.lhs.size(), c.rhs.size()) > kMostElements) return false;
  const std::int64_t multiply_adds = testing::explain_case(c).useful_multiply_adds;
  return multiply_adds >= kLeast && multiply_adds <= kMost;
}

void add_random(double seconds, unsigned seed, Report& report) {
  Random random(seed);
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds) {
    const std::string text = random_problem(random);
    const bool last = random.one_in(2);
    const auto direction = static_cast<std::size_t>(random.pick({0, 1, 2}));
    const bench::ConvProblem problem = bench::parse_problem(text, "random", text);
    if (is_worth_timing(problem, direction, last)) report.add(problem, direction, last);
  }
}

void add_file(const std::string& path, Report& report) {
  for (const bench::ConvProblem& problem : bench::read_problems(path))
    for (const bool last : {true, false})
      for (std::size_t direction = 0; direction < 3; ++direction) report.add(problem, direction, last);
}

// All of a text as a number; 0 if it is none.
double number(const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  return *text != '\0' && *end == '\0' ? value : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? number(argv[1]) : 60, seed = argc > 2 ? number(argv[2]) : 1;
  const bool has_file = argc == 2 && std::filesystem::exists(argv[1]);
  if (!has_file && (!(seconds > 0) || !(seed >= 1 && seed <= 1e9) || argc > 3)) {
    fmt::print(stderr,
               "choice: takes seconds and a seed, both above 0, as in: choice 60 1; or a file of problems that exists, "
               "as in: choice bench/layers.txt\n");
    return 2;
  }
  Report report;
  try {
    if (has_file) add_file(argv[1], report);
    else add_random(seconds, static_cast<unsigned>(seed), report);
  } catch (const std::exception& error) {
    fmt::print(stderr, "choice: {}\n", error.what());
    return 2;
  }
  report.print();
}
