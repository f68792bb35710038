// Printing tensors: each element becomes a word, all of one width, and the words are laid out in bracketed rows.
#include "cotangent/core/print.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <ostream>
#include <string_view>

namespace cotangent {
namespace {

// NumPy's default print options.
constexpr std::size_t kPrecision = 8;
constexpr std::size_t kLineWidth = 75;
constexpr std::int64_t kThreshold = 1000;
constexpr std::int64_t kEdgeItems = 3;

constexpr std::size_t kExact = std::numeric_limits<std::size_t>::max();  // a precision: as many digits as it takes

// A finite number in print: "-12" "5" is -12.5, and "-1" "25" "+01" is -1.25e+01.
struct Digits {
  std::string whole, fraction, exponent;
};

template <class T>
std::string characters(T x, std::chars_format format, std::size_t precision = kExact) {
  std::array<char, 512> buffer;  // Float64's largest number has 309 digits
  char* const end = buffer.data() + buffer.size();
  const auto result = precision == kExact ? std::to_chars(buffer.data(), end, x, format)
                                          : std::to_chars(buffer.data(), end, x, format, static_cast<int>(precision));
  return {buffer.data(), result.ptr};
}

// Cuts "-1.25e+01" into its parts; zeros at the end of the fraction are dropped.
Digits cut(std::string_view text) {
  const std::size_t exponent = std::min(text.find('e'), text.size());
  const std::size_t point = std::min(text.find('.'), exponent);
  std::string_view fraction = text.substr(point, exponent - point);
  if (!fraction.empty()) fraction.remove_prefix(1);
  fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  return {std::string(text.substr(0, point)), std::string(fraction),
          std::string(text.substr(std::min(exponent + 1, text.size())))};
}

// The fewest digits that read back as the same number, rounded where its fraction has more than `precision`.
template <class T>
Digits scientific(T x, std::size_t precision) {
  Digits digits = cut(characters(x, std::chars_format::scientific));
  if (digits.fraction.size() > precision) digits = cut(characters(x, std::chars_format::scientific, precision));
  return digits;
}

// The same in full: a whole part longer than the fewest digits gets zeros, or its true digits if there is a precision.
template <class T>
Digits positional(T x, std::size_t precision) {
  const Digits shortest = scientific(x, kExact);
  const std::string sign = std::signbit(x) ? "-" : "";
  std::string all = shortest.whole.substr(sign.size()) + shortest.fraction;
  const int exponent = std::stoi(shortest.exponent);
  if (exponent < 0) all.insert(0, static_cast<std::size_t>(-exponent), '0');
  const std::size_t whole = exponent < 0 ? 1 : static_cast<std::size_t>(exponent) + 1;
  const bool is_rounded = all.size() < whole || all.size() - whole > precision;
  if (is_rounded && precision != kExact) return cut(characters(x, std::chars_format::fixed, precision));
  all.resize(std::max(all.size(), whole), '0');
  return cut(sign + all.substr(0, whole) + '.' + all.substr(whole));
}

std::string right_aligned(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

template <class T>
std::string non_finite(T x) {
  return std::isnan(x) ? "nan" : x < 0 ? "-inf" : "inf";
}

// The format that all floating-point elements of a tensor share, made from those that are shown.
template <class T>
class FloatFormat {
 public:
  explicit FloatFormat(const std::vector<T>& shown) {
    T smallest = std::numeric_limits<T>::infinity(), largest = 0;
    for (T x : shown)
      if (std::isfinite(x) && x != 0) {
        smallest = std::min(smallest, std::fabs(x));
        largest = std::max(largest, std::fabs(x));
      }
    exponential_ = largest != 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000);

    std::size_t longest_non_finite = 0;
    for (T x : shown) {
      if (!std::isfinite(x)) {
        longest_non_finite = std::max(longest_non_finite, non_finite(x).size());
        continue;
      }
      const Digits digits = exponential_ ? scientific(x, kPrecision) : positional(x, kPrecision);
      whole_ = std::max(whole_, digits.whole.size());
      fraction_ = std::max(fraction_, digits.fraction.size());
      exponent_ = std::max(exponent_, digits.exponent.size());
    }
    const std::size_t after_whole = width() - whole_;
    if (longest_non_finite > after_whole) whole_ = std::max(whole_, longest_non_finite - after_whole);
  }

  std::string operator()(T x) const {
    if (!std::isfinite(x)) return right_aligned(non_finite(x), width());
    Digits digits =
        exponential_ ? cut(characters(x, std::chars_format::scientific, fraction_)) : positional(x, kPrecision);
    digits.fraction.resize(fraction_, exponential_ ? '0' : ' ');
    std::string word = right_aligned(digits.whole, whole_) + '.' + digits.fraction;
    if (!exponential_) return word;
    digits.exponent.insert(1, exponent_ - digits.exponent.size(), '0');
    return word + 'e' + digits.exponent;
  }

 private:
  std::size_t width() const { return whole_ + 1 + fraction_ + (exponential_ ? 1 + exponent_ : 0); }

  bool exponential_ = false;
  std::size_t whole_ = 0, fraction_ = 0, exponent_ = 0;  // the most characters that any element has there
};

// A single number prints as Python prints a float: with all its digits.
template <class T>
std::string scalar(T x) {
  if constexpr (std::is_same_v<T, bool>) return x ? "True" : "False";
  else if constexpr (std::is_integral_v<T>) return std::to_string(x);
  else {
    if (!std::isfinite(x)) return non_finite(x);
    if (x == 0 || (std::fabs(x) >= 1e-4L && std::fabs(x) < 1e16L)) {
      const Digits digits = positional(x, kExact);
      return digits.whole + '.' + (digits.fraction.empty() ? "0" : digits.fraction);
    }
    const Digits digits = scientific(x, kExact);
    return digits.whole + (digits.fraction.empty() ? "" : '.' + digits.fraction) + 'e' + digits.exponent;
  }
}

template <class T>
std::vector<std::string> words_of(const std::vector<T>& shown) {
  std::vector<std::string> words;
  if constexpr (std::is_floating_point_v<T>) {
    const FloatFormat<T> format(shown);
    for (T x : shown) words.push_back(format(x));
  } else {
    std::size_t width = scalar(false).size() * std::is_same_v<T, bool>;
    for (T x : shown) width = std::max(width, scalar(x).size());
    for (T x : shown) words.push_back(right_aligned(scalar(x), width));
  }
  return words;
}

// Which part of a tensor is shown: everything, or the ends of its long axes if it is large.
class Excerpt {
 public:
  explicit Excerpt(const Shape& shape) : shape_(shape), summarised_(shape.elements() > kThreshold) {}

  bool is_cut(std::size_t axis) const { return summarised_ && shape_[axis] > 2 * kEdgeItems; }
  std::int64_t extent(std::size_t axis) const { return is_cut(axis) ? 2 * kEdgeItems : shape_[axis]; }

  // The positions of the elements that are shown, in row-major order.
  std::vector<std::int64_t> positions() const {
    std::vector<std::int64_t> result{0};
    for (std::size_t axis = 0; axis < shape_.size(); ++axis) {
      std::vector<std::int64_t> longer;
      for (std::int64_t position : result)
        for (std::int64_t i = 0; i < extent(axis); ++i)
          longer.push_back(position * shape_[axis] + (i < kEdgeItems ? i : i + shape_[axis] - extent(axis)));
      result = std::move(longer);
    }
    return result;
  }

 private:
  const Shape& shape_;
  bool summarised_;
};

// The innermost rows one after the other, with the brackets, line ends and dots that belong between them.
class Layout {
 public:
  Layout(const Shape& shape, const std::vector<std::string>& words)
      : excerpt_(shape), ndim_(shape.size()), words_(words) {}

  std::string text() {
    std::vector<std::int64_t> index(ndim_, 0);  // of the row, among those shown
    text_.assign(ndim_, '[');
    for (;;) {
      add_row();
      std::size_t axis = ndim_ - 1;  // becomes the axis along which the next row follows
      do {
        if (axis == 0) return text_ + std::string(ndim_, ']');
        index[axis--] = 0;
      } while (++index[axis] == excerpt_.extent(axis));
      const std::size_t closed = ndim_ - 1 - axis;
      text_.append(closed, ']');
      start_item(axis);
      if (excerpt_.is_cut(axis) && index[axis] == kEdgeItems) {
        text_ += "...";
        start_item(axis);
      }
      text_.append(closed, '[');
    }
  }

 private:
  void start_item(std::size_t axis) {
    text_.append(ndim_ - 1 - axis, '\n');
    text_.append(axis + 1, ' ');
  }

  void add_row() {
    column_ = ndim_;
    const std::int64_t extent = excerpt_.extent(ndim_ - 1);
    for (std::int64_t i = 0; i < extent; ++i) {
      if (i == kEdgeItems && excerpt_.is_cut(ndim_ - 1)) add_word("... ");
      add_word(words_[next_++] + (i + 1 < extent ? " " : ""));
    }
  }

  // `word` ends with the space that separates it from the next, if there is one.
  void add_word(const std::string& word) {
    const std::size_t width = word.size() - (word.back() == ' ');
    if (column_ + width > kLineWidth - std::min(kLineWidth, ndim_) && column_ > ndim_) {
      text_.erase(text_.find_last_not_of(' ') + 1);
      text_ += '\n';
      text_.append(ndim_, ' ');
      column_ = ndim_;
    }
    text_ += word;
    column_ += word.size();
  }

  const Excerpt excerpt_;
  const std::size_t ndim_;
  const std::vector<std::string>& words_;
  std::size_t next_ = 0;    // of words_
  std::size_t column_ = 0;  // where the next word begins
  std::string text_;
};

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (tensor.is_null()) return describe(tensor);
  return visit(tensor.dtype(), [&]<class T>() -> std::string {
    const std::span<const T> data = tensor.data<T>();
    if (data.empty()) return "[]";
    if (tensor.ndim() == 0) return scalar(data[0]);
    std::vector<T> shown;
    for (std::int64_t position : Excerpt(tensor.shape()).positions())
      shown.push_back(data[static_cast<std::size_t>(position)]);
    return Layout(tensor.shape(), words_of(shown)).text();
  });
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace cotangent
