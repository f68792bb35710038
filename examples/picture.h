// Pictures as PNG files, through libpng.
#pragma once

#include <string>

#include "cotangent/cotangent.h"

// Lays a batch of grey pictures (n, height, width, 1) with values in [0, 1] out in rows of `columns`, with a white
// frame around each: a tensor (height of the sheet, width of the sheet). Values outside [0, 1] are clipped.
cotangent::Tensor contact_sheet(const cotangent::Tensor& pictures, std::int64_t columns);

// Writes a tensor (height, width) with values in [0, 1] as an 8-bit grey PNG. Error if the file cannot be written; an
// older file is replaced only by a complete new one.
void write_png(const std::string& path, const cotangent::Tensor& picture);
