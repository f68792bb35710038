// NamedOption: the search for a name.
#include "cotangent/ops/named_option.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cotangent/core/error.h"

namespace cotangent {

std::size_t find_name(std::string_view operation, std::string_view option, std::span<const std::string_view> names,
                      std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    fail(operation, fmt::format("{} must be \"{}\" or \"{}\", got \"{}\"{}", option,
                                fmt::join(names.first(names.size() - 1), "\", \""), names.back(), name,
                                did_you_mean(name, names)));
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace cotangent
