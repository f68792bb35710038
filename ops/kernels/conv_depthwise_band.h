// Copies of rows of one channel with zeros around them, for depthwise convolution with channels first. Internal.
#pragma once

#include "cotangent/ops/kernels/conv_depthwise.h"
#include "cotangent/ops/kernels/isa/depthwise.h"
#include "cotangent/ops/kernels/isa/dispatch.h"

namespace cotangent::kernels {

// One of two things that an input position depends on, on an axis: output or kernel positions.
struct Moves {
  std::int64_t extent, step;
};

// Copies of input rows. Vectors run along `vector`, so every vector.step-th pixel is adjacent in the copy: a row is cut
// into phases, of which those that `other` needs are there. Around them the memory of a copy holds zeros.
template <class T>
class Band {
 public:
  Band(const ConvAxis& row, const ConvAxis& column, Moves vector, Moves other, std::int64_t lanes)
      : row_(row), step_(vector.step) {
    other.extent = std::max<std::int64_t>(1, other.extent);  // a kernel may have none
    const std::int64_t reach = (other.extent - 1) * other.step / step_;
    pitch_ = ((vector.extent + lanes - 1) / lanes * lanes + reach + lanes) / lanes * lanes;  // of whole vectors
    for (std::int64_t k = 0; k < std::min(other.extent, step_); ++k) {
      const std::int64_t phase = k * other.step % step_, skipped = column.low - phase;
      if (find(phase) != phases_.end()) continue;
      const std::int64_t first = std::clamp<std::int64_t>(skipped > 0 ? (skipped + step_ - 1) / step_ : 0, 0, pitch_);
      const std::int64_t beyond = column.in + skipped;
      const std::int64_t last = std::clamp<std::int64_t>(beyond > 0 ? (beyond + step_ - 1) / step_ : 0, first, pitch_);
      phases_.push_back({phase, first, last, first * step_ - skipped});
    }
  }

  std::int64_t row_size() const { return pitch_ * static_cast<std::int64_t>(phases_.size()); }

  // Where, in a row, the first vector reads when the other position moves it by so many pixels.
  std::int64_t offset(std::int64_t pixels) const {
    return (find(pixels % step_) - phases_.begin()) * pitch_ + pixels / step_;
  }

  // Copies `count` input rows from `first` on, some of which may lie outside; `from` is row 0.
  void copy(std::int64_t first, std::int64_t count, const T* from, T* to) const {
    const std::int64_t size = row_size(), begin = std::clamp<std::int64_t>(-first, 0, count),
                       end = std::clamp<std::int64_t>(row_.in - first, begin, count);
    std::fill(to, to + begin * size, T{0});
    std::fill(to + end * size, to + count * size, T{0});
    if (begin == end) return;
    for (std::size_t i = 0; i < phases_.size(); ++i) {
      const Phase& phase = phases_[i];
      kernels_.take({end - begin, phase.last - phase.first, step_, from + (first + begin) * row_.lhs_step + phase.from,
                     row_.lhs_step, to + begin * size + static_cast<std::int64_t>(i) * pitch_ + phase.first, size});
    }
  }

 private:
  // Pixels phase, phase + step, ...: those inside the input are [first, last), and come from pixel `from` on.
  struct Phase {
    std::int64_t phase, first, last, from;
  };
  typename std::vector<Phase>::const_iterator find(std::int64_t phase) const {
    return std::find_if(phases_.begin(), phases_.end(), [&](const Phase& p) { return p.phase == phase; });
  }

  const ConvAxis row_;
  const std::int64_t step_;
  std::int64_t pitch_;
  std::vector<Phase> phases_;
  const DepthwiseKernels<T>& kernels_ = table<DepthwiseKernels<T>>();
};

}  // namespace cotangent::kernels
