// The one exception of cotangent.
#include "cotangent/core/error.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace cotangent {
namespace {

thread_local const ErrorContext* innermost = nullptr;

// Insertions, deletions and substitutions that make b of a (V. Levenshtein, 1966).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto differ = [](unsigned char x, unsigned char y) { return std::tolower(x) != std::tolower(y); };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (differ(a[i], b[j]) ? 1 : 0);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

ErrorContext::ErrorContext() : outer_(innermost) { innermost = this; }
ErrorContext::~ErrorContext() { innermost = outer_; }

void fail(std::string_view operation, std::string_view message) {
  std::string text = innermost == nullptr ? "" : innermost->place(operation);
  if (!text.empty()) text += ": ";
  text += operation;
  text += ": ";
  text += message;
  throw Error(text);
}

std::string_view nearest_name(std::string_view given, std::span<const std::string_view> names) {
  std::string_view nearest;
  std::size_t least = std::min<std::size_t>(3, (given.size() + 1) / 2) + 1;
  for (const std::string_view name : names)
    if (const std::size_t distance = edit_distance(given, name); distance < least) {
      nearest = name;
      least = distance;
    }
  return nearest;
}

std::string did_you_mean(std::string_view given, std::span<const std::string_view> names) {
  const std::string_view nearest = nearest_name(given, names);
  return nearest.empty() ? "" : "; did you mean \"" + std::string(nearest) + "\"?";
}

}  // namespace cotangent
