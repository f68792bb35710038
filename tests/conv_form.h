// Every derivative of a convolution, of any order and in any mode, from its definition.
//
// A convolution is bilinear, so <g, conv(x, w)> is a trilinear form T(x, w, g): one sum of products of three numbers.
// A derivative along a direction replaces a variable of T by that direction, in one term for each variable, and a
// gradient leaves one place of T open. Nothing else can come of differentiating, so that every result of reverse and
// forward mode, however nested, is a sum of such terms.
#pragma once

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "conv_reference.h"

namespace cotangent::testing {

// A sum of T(x, w, g) over terms that say which variables stand in the three places; variables are known by a letter.
struct ConvForm {
  using Term = std::array<char, 3>;
  std::vector<Term> terms;

  // The derivative along a direction for each of the variables named: {{'x', 'a'}, ...} moves x along a.
  ConvForm along(const std::vector<std::pair<char, char>>& directions) const {
    ConvForm result;
    for (const Term& term : terms)
      for (const auto& [variable, direction] : directions)
        for (std::size_t place = 0; place < term.size(); ++place)
          if (term[place] == variable) {
            result.terms.push_back(term);
            result.terms.back()[place] = direction;
          }
    return result;
  }
};

// The products of a convolution's definition, and the values of variables.
class ConvDerivatives {
 public:
  explicit ConvDerivatives(const ConvCase& c) {
    for_each_product(c, [this](std::size_t l, std::size_t r, std::size_t o) { products_.push_back({l, r, o}); });
  }

  // Leaves out what adds to outputs that are not positive: the derivative of relu, where the output is zero too.
  void rectify(const Values& outputs) {
    std::erase_if(products_, [&](const auto& product) { return outputs[product[2]] <= 0; });
  }

  void set(char variable, Values values) { values_[variable] = std::move(values); }

  // The gradient of the form with respect to one variable.
  Values gradient(const ConvForm& form, char variable) const {
    Values result(values_.at(variable).size());
    for (const ConvForm::Term& term : form.terms)
      for (std::size_t place = 0; place < 3; ++place) {
        if (term[place] != variable) continue;
        const std::size_t one = (place + 1) % 3, other = (place + 2) % 3;
        const Values &first = values_.at(term[one]), &second = values_.at(term[other]);
        for (const auto& product : products_) result[product[place]] += first[product[one]] * second[product[other]];
      }
    return result;
  }

 private:
  std::vector<std::array<std::size_t, 3>> products_;
  std::map<char, Values> values_;
};

}  // namespace cotangent::testing
