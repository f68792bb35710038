// NamedOption: an enumerator, or its name as Python spells it, as an option.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace cotangent {

// What NamedOption<Enum> goes by: `option`, its name in messages, and `names`, those of the enumerators in order.
template <class Enum>
struct EnumeratorNames;

// Where `name` stands among `names`. Error, which lists them, if it does not.
std::size_t find_name(std::string_view operation, std::string_view option, std::span<const std::string_view> names,
                      std::string_view name);

template <class Enum>
class NamedOption {
 public:
  NamedOption(Enum value) : value_(value) {}
  template <std::convertible_to<std::string_view> Text>
  NamedOption(const Text& name) : value_(std::string(std::string_view(name))) {}

  // Error for an unknown name.
  Enum resolve(std::string_view operation) const {
    if (const auto* value = std::get_if<Enum>(&value_)) return *value;
    using Names = EnumeratorNames<Enum>;
    return static_cast<Enum>(find_name(operation, Names::option, Names::names, std::get<std::string>(value_)));
  }

 private:
  std::variant<Enum, std::string> value_;
};

}  // namespace cotangent
