// The expectation that a call throws Error with a certain message.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "cotangent/core/error.h"

namespace cotangent::testing {

// Expects f() to throw Error with `part` in its message.
template <class F>
void expect_error(F&& f, std::string_view part) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
        << "message: " << error.what() << "\nlacks:   " << part;
    return;
  }
  ADD_FAILURE() << "no Error; expected one with: " << part;
}

}  // namespace cotangent::testing
