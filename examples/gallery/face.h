// The picture that the gallery smooths.
#pragma once

#include <string>

#include "cotangent/cotangent.h"

namespace gallery {

// Where Debian's python3-scipy keeps the picture that scipy.datasets.face returns.
inline constexpr const char* kDebianFace = "/usr/lib/python3/dist-packages/scipy/misc/face.dat";

struct Picture {
  cotangent::Tensor pixels;  // UInt8 (768, 1024, 3)
  std::string origin;        // a sentence
};

// The picture in `path`, a face.dat of SciPy's (bzip2). Error if there is none or it is damaged.
Picture load_face(const std::string& path);

// A picture of the same size that needs no file: a zone plate, rings that get finer outwards, which shows how much of
// each fineness a filter lets pass.
Picture make_zone_plate();

}  // namespace gallery
