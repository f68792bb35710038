// The table of a model.
#include "cotangent/nn/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace cotangent::nn {
namespace {

using Row = std::array<std::string, 5>;
constexpr std::size_t kFirstNumber = 3;  // the columns from here on are aligned to the right

// "1,234,567"
std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string format_table(const std::vector<Row>& rows) {
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows)
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], row[column].size());
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column)
      line += column < kFirstNumber ? fmt::format("{:<{}}  ", row[column], widths[column])
                                    : fmt::format("{:>{}}  ", row[column], widths[column]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace

std::string summary(const Visitor& parts, const std::vector<LayerCall>& calls) {
  std::vector<Row> rows{{"layer", "kind", "output", "parameters", "multiply-adds"}};
  std::set<std::string> counted;
  std::int64_t all_parameters = 0, all_multiply_adds = 0;

  // The sizes of the parameters below `path` that have not been counted yet.
  const auto count_below = [&](const std::string& path) {
    std::int64_t count = 0;
    for (const auto& [name, tensor] : parts.parameters())
      if ((path.empty() || name.starts_with(path + ".")) && counted.insert(name).second) count += tensor->size();
    all_parameters += count;
    return count;
  };

  for (const LayerCall& call : calls) {
    const std::optional<std::string> path = parts.path_of(call.layer);
    const std::int64_t count = path ? count_below(*path) : 0;
    rows.push_back(
        {path.value_or(""), call.kind, to_string(call.output), with_commas(count), with_commas(call.multiply_adds)});
    all_multiply_adds += call.multiply_adds;
  }
  if (const std::int64_t others = count_below(""); others > 0)
    rows.push_back({"others", "", "", with_commas(others), ""});
  rows.push_back({"total", "", "", with_commas(all_parameters), with_commas(all_multiply_adds)});
  return format_table(rows);
}

}  // namespace cotangent::nn
