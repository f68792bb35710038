// The picture: unpacked from SciPy's file, or computed.
#include "face.h"

#include <bzlib.h>
#include <fmt/format.h>

#include <numbers>

namespace ct = cotangent;

namespace gallery {
namespace {

constexpr std::int64_t kHeight = 768, kWidth = 1024, kChannels = 3;

}  // namespace

Picture load_face(const std::string& path) {
  std::string packed = ct::read_file("load_face", path);
  ct::Tensor pixels = ct::Tensor::uninitialized({kHeight, kWidth, kChannels}, ct::DType::UInt8);
  auto size = static_cast<unsigned>(pixels.size());
  char* const unpacked = reinterpret_cast<char*>(pixels.mutable_data<std::uint8_t>().data());
  const int status = BZ2_bzBuffToBuffDecompress(unpacked, &size, packed.data(), static_cast<unsigned>(packed.size()),
                                                /*small=*/0, /*verbosity=*/0);
  if (status != BZ_OK || size != pixels.size())
    ct::fail("load_face",
             fmt::format("{} is not a bzip2 file of {} bytes: expected SciPy's face.dat", path, pixels.size()));
  return {pixels, fmt::format("The picture is SciPy's face, from {}.", path)};
}

Picture make_zone_plate() {
  const ct::Tensors xy = ct::meshgrid({ct::arange(kWidth, ct::DType::Float64) - 0.5 * (kWidth - 1),
                                       ct::arange(kHeight, ct::DType::Float64) - 0.5 * (kHeight - 1)});
  // The phase grows with the square of the radius: rings are 8 pixels apart at the middle of the longer sides.
  const ct::Tensor phase = std::numbers::pi / (4 * kHeight) * (ct::square(xy[0]) + ct::square(xy[1]));
  const ct::Tensor grey = ct::round(127.5 * (1 + ct::cos(phase))).to(ct::DType::UInt8);
  return {ct::broadcast_to(ct::expand_dims(grey, -1), {kHeight, kWidth, kChannels}),
          "The picture is a zone plate made for the purpose: SciPy's face is not installed (Debian package "
          "python3-scipy)."};
}

}  // namespace gallery
