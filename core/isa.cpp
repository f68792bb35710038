// Instruction sets: the choice of a level.
#include "cotangent/core/isa.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

constexpr std::array kLevels{Isa::V4, Isa::V3, Isa::V2, Isa::Baseline};  // best first

bool is_compiled(Isa level) {
  return std::string_view(COTANGENT_ISA_LEVELS).find(name(level)) != std::string_view::npos;
}

bool processor_has(Isa level) {
  switch (level) {
    case Isa::Baseline: return true;
#if defined(__x86_64__)
    case Isa::V2: return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    case Isa::V3:
      return processor_has(Isa::V2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    case Isa::V4:
      return processor_has(Isa::V3) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
#endif
    default: return false;
  }
}

Isa choose() {
  if (const char* const asked = std::getenv("COTANGENT_ISA"); asked != nullptr && *asked != '\0') {
    for (Isa level : kLevels) {
      if (name(level) != asked) continue;
      if (!is_compiled(level))
        fail("COTANGENT_ISA",
             fmt::format("this library has no kernels for {}; it was compiled for {}", asked, COTANGENT_ISA_LEVELS));
      if (!processor_has(level))
        fail("COTANGENT_ISA",
             fmt::format("this processor cannot run {}; unset the variable for the best it has", asked));
      return level;
    }
    fail("COTANGENT_ISA", fmt::format("must be baseline, v2, v3 or v4, got \"{}\"", asked));
  }
  for (Isa level : kLevels)
    if (has_isa(level)) return level;
  return Isa::Baseline;
}

}  // namespace

Isa isa() {
  static const Isa level = choose();
  return level;
}

bool has_isa(Isa level) { return is_compiled(level) && processor_has(level); }

std::string_view name(Isa level) {
  switch (level) {
    case Isa::V2: return "v2";
    case Isa::V3: return "v3";
    case Isa::V4: return "v4";
    default: return "baseline";
  }
}

}  // namespace cotangent
