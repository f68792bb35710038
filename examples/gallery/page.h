// The page "Convolutions in JAX", cell by cell.
#pragma once

#include "cotangent/cotangent.h"
#include "face.h"
#include "report.h"

namespace gallery {

// Shows every cell of the page, in its order; `stream` is that of the noise in the first two.
void show_page(Report& report, const Picture& picture, cotangent::random::Stream stream);

// The text of cells.cpp.
extern const char* const kCellsSource;

}  // namespace gallery
