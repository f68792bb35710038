// Pictures as PNG files, through libpng.
#include "picture.h"

#include <png.h>

#include <cmath>
#include <vector>

namespace ct = cotangent;

ct::Tensor contact_sheet(const ct::Tensor& pictures, std::int64_t columns) {
  constexpr std::int64_t kFrame = 1;
  const std::int64_t count = pictures.dim(0), rows = (count + columns - 1) / columns;
  const ct::Tensor framed =
      ct::pad(ct::clip(pictures, 0, 1),
              {{0, rows * columns - count, 0}, {kFrame, kFrame, 0}, {kFrame, kFrame, 0}, {0, 0, 0}}, 1);
  const std::int64_t height = framed.dim(1), width = framed.dim(2);
  const ct::Tensor grid = ct::transpose(ct::reshape(framed, {rows, columns, height, width}), {0, 2, 1, 3});
  return ct::reshape(grid, {rows * height, columns * width});
}

void write_png(const std::string& path, const ct::Tensor& picture) {
  std::vector<png_byte> pixels;
  const ct::Tensor numbers = picture.to(ct::DType::Float32);
  for (float value : numbers.data<float>())
    pixels.push_back(static_cast<png_byte>(std::lround(255 * std::fmin(std::fmax(value, 0.0f), 1.0f))));

  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.dim(1));
  image.height = static_cast<png_uint_32>(picture.dim(0));
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t size = 0;
  std::string encoded;
  const auto encode = [&](void* memory) {
    if (png_image_write_to_memory(&image, memory, &size, 0, pixels.data(), 0, nullptr) == 0)
      ct::fail("write_png", std::string(image.message));
  };
  encode(nullptr);  // asks for the size
  encoded.resize(size);
  encode(encoded.data());
  encoded.resize(size);
  ct::write_file("write_png", path, {encoded});
}
