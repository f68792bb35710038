// Checkpoints.
#include "cotangent/nn/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cotangent/core/error.h"
#include "cotangent/nn/safetensors.h"

namespace cotangent::nn {
namespace {

std::vector<NamedTensor> parameters_and_buffers(const Visitor& parts) {
  std::vector<NamedTensor> all = parts.parameters();
  for (NamedTensor& buffer : parts.buffers()) all.push_back(std::move(buffer));
  return all;
}

}  // namespace

void save(const Visitor& parts, const std::string& path) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : parameters_and_buffers(parts)) tensors[name] = *tensor;
  save_safetensors(tensors, path);
}

void load(const Visitor& parts, const std::string& path) {
  std::map<std::string, Tensor> tensors = load_safetensors(path);
  const std::vector<NamedTensor> wanted = parameters_and_buffers(parts);
  std::vector<std::string> complaints;
  std::vector<std::string_view> known;
  for (const auto& [name, tensor] : wanted) {
    known.push_back(name);
    const auto loaded = tensors.find(name);
    if (loaded == tensors.end()) {
      complaints.push_back(fmt::format("'{}' is missing", name));
      continue;
    }
    if (loaded->second.shape() != tensor->shape() || loaded->second.dtype() != tensor->dtype())
      complaints.push_back(
          fmt::format("'{}' is {}, the model has {}", name, describe(loaded->second), describe(*tensor)));
  }
  for (const auto& [name, tensor] : tensors)
    if (std::ranges::find(known, name) == known.end()) {
      const std::string_view nearest = nearest_name(name, known);
      complaints.push_back(
          fmt::format("the model has no '{}'{}", name, nearest.empty() ? "" : fmt::format(", but '{}'", nearest)));
    }
  if (!complaints.empty())
    fail("load", fmt::format("'{}' does not fit the model: {}", path, fmt::join(complaints, "; ")));
  for (const auto& [name, tensor] : wanted) *tensor = std::move(tensors[name]);
}

}  // namespace cotangent::nn
