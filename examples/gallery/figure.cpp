// Figures: gnuplot's commands, and gnuplot as a child process.
#include "figure.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <numeric>

namespace ct = cotangent;

extern char** environ;

namespace gallery {
namespace {

constexpr int kPointsPerInch = 100;

// Every tenth of the colour map "viridis" (N. Smith and S. van der Walt, public domain), red, green and blue.
constexpr std::array<std::array<int, 3>, 11> kViridis{{{0x44, 0x01, 0x54},
                                                       {0x48, 0x25, 0x76},
                                                       {0x41, 0x44, 0x87},
                                                       {0x35, 0x5f, 0x8d},
                                                       {0x2a, 0x78, 0x8e},
                                                       {0x21, 0x91, 0x8c},
                                                       {0x22, 0xa8, 0x84},
                                                       {0x44, 0xbf, 0x70},
                                                       {0x7a, 0xd1, 0x51},
                                                       {0xbd, 0xdf, 0x26},
                                                       {0xfd, 0xe7, 0x25}}};

std::string palette(ColorMap colors) {
  if (colors == ColorMap::Grey) return "set palette gray\n";
  std::string entries;
  for (std::size_t i = 0; i < kViridis.size(); ++i)
    entries += fmt::format("{}{} '#{:02x}{:02x}{:02x}'", i == 0 ? "" : ", ", i, kViridis[i][0], kViridis[i][1],
                           kViridis[i][2]);
  return "set palette defined (" + entries + ")\n";
}

// The colour of t from 0 to 1, as 0xRRGGBB.
int viridis(double t) {
  const double position = t * (kViridis.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(position), kViridis.size() - 2);
  int color = 0;
  for (std::size_t channel = 0; channel < 3; ++channel)
    color = color << 8 | static_cast<int>(std::lround(std::lerp(kViridis[below][channel], kViridis[below + 1][channel],
                                                                position - static_cast<double>(below))));
  return color;
}

// The smallest and the largest element, at least a little apart.
std::pair<double, double> limits(const ct::Tensor& tensor) {
  const double low = ct::min(tensor).to(ct::DType::Float64).item<double>();
  const double high = ct::max(tensor).to(ct::DType::Float64).item<double>();
  return low < high ? std::pair(low, high) : std::pair(low - 0.5, high + 0.5);
}

// Tick marks at round numbers, at most `intervals` steps apart.
std::string ticks(char axis, double low, double high, int intervals) {
  const double least = (high - low) / intervals, power = std::pow(10, std::floor(std::log10(least)));
  double step = 10 * power;
  for (const double round : {5.0, 2.5, 2.0, 1.0})
    if (round * power >= least) step = round * power;
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  return fmt::format("set {}tics out nomirror scale 0.6 {} format '%.{}f'\n", axis, step, decimals);
}

// The elements as gnuplot reads them in binary: 32-bit floats, those of one row of the columns next to each other.
std::string binary(const ct::Tensors& columns) {
  std::string bytes;
  const ct::Tensor rows = ct::stack(columns, -1).to(ct::DType::Float32);
  const auto values = rows.data<float>();
  bytes.assign(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return bytes;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "''" : std::string(1, c);
  return result + "'";
}

std::string panel_commands(const Panel& panel, int width) {
  const std::int64_t rows = panel.picture.dim(0), columns = panel.picture.dim(1);
  const auto [low, high] = limits(panel.picture);
  const bool colored = panel.picture.ndim() == 3;
  std::string commands = palette(panel.colors);
  commands += fmt::format("set title {} font ',12'\n", quoted(panel.title));
  commands += fmt::format("set xrange [-0.5:{}]\nset yrange [{}:-0.5]\n", static_cast<double>(columns) - 0.5,
                          static_cast<double>(rows) - 0.5);
  commands += fmt::format("set cbrange [{}:{}]\n", low, high);
  commands += ticks('x', 0, static_cast<double>(columns), width < 5 * kPointsPerInch ? 6 : 9);
  commands += ticks('y', 0, static_cast<double>(rows), 9);
  commands += fmt::format("plot '-' binary array=({},{}) format='%float32' with {}\n", columns, rows,
                          colored ? "rgbimage" : "image");
  return commands + binary({colored ? 255 * panel.picture : panel.picture});
}

// A file that is gone when the object is.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void spawn_gnuplot(const std::string& script) {
  std::string program = "gnuplot", defaults = "--default-settings", argument = script;
  std::array<char*, 4> arguments{program.data(), defaults.data(), argument.data(), nullptr};
  pid_t child = 0;
  int status = 0;
  if (posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0)
    ct::fail("draw", "cannot start gnuplot: install Debian's gnuplot-nox");
  if (waitpid(child, &status, 0) != child || status != 0)
    ct::fail("draw", fmt::format("gnuplot failed with status {}", status));
}

}  // namespace

Figure line_figure(const std::string& name, const std::string& description, int width, int height,
                   const std::vector<Line>& lines) {
  ct::Tensors all_x, all_y;
  std::string plots, data;
  for (const Line& line : lines) {
    all_x.push_back(line.x);
    all_y.push_back(line.y);
    plots += fmt::format("{} '-' binary record={} format='%float32%float32' using 1:2 with lines lw 1.5 lc rgb '{}'",
                         plots.empty() ? "plot" : ",", line.x.size(), line.color);
    data += binary({line.x, line.y});
  }
  std::string commands;
  for (const auto& [axis, values] : {std::pair('x', ct::concatenate(all_x)), std::pair('y', ct::concatenate(all_y))}) {
    const auto [low, high] = limits(values);
    const double margin = 0.05 * (high - low);
    commands += fmt::format("set {}range [{}:{}]\n", axis, low - margin, high + margin);
    commands += ticks(axis, low - margin, high + margin, 9);
  }
  return {name, description, width, height, commands + plots + "\n" + data};
}

Figure picture_figure(const std::string& name, const std::string& description, int width, int height,
                      const std::vector<Panel>& panels) {
  std::string commands = "set size ratio -1\nunset colorbox\n";
  commands += fmt::format("set multiplot layout 1,{}\n", panels.size());
  for (const Panel& panel : panels) commands += panel_commands(panel, width / static_cast<int>(panels.size()));
  return {name, description, width, height, commands + "unset multiplot\n"};
}

Figure cloud_figure(const std::string& name, const std::string& description, const std::string& title,
                    const ct::Tensors& points, const ct::Tensor& values) {
  const auto flat = [](const ct::Tensor& tensor) { return ct::reshape(tensor.to(ct::DType::Float64), {-1}); };
  const auto [low, high] = limits(values);
  const ct::Tensor x = flat(points[0]), y = flat(points[1]), z = flat(points[2]);
  const ct::Tensor brightness = (flat(values) - low) / (high - low);

  // Seen from 30 degrees above and 60 to the right of the y axis; far points are drawn first, and paler.
  const double up = std::numbers::pi / 6, around = -std::numbers::pi / 3;
  const ct::Tensor nearness =
      std::cos(up) * std::cos(around) * x + std::cos(up) * std::sin(around) * y + std::sin(up) * z;
  const auto [farthest, nearest] = limits(nearness);
  const auto t = brightness.data<double>(), depth = nearness.data<double>();
  std::vector<std::size_t> order(t.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return depth[a] < depth[b]; });

  std::string commands =
      "set view equal xyz\nset view 60, 30, 1\nunset border\nunset tics\nset xyplane at 0\nset rmargin 0\nset "
      "lmargin 0\n";
  commands += fmt::format("set title {} font ',12'\n", quoted(title));
  commands += "$cloud << END\n";
  for (const std::size_t i : order) {
    const double opacity = std::pow(t[i], 3) * (0.3 + 0.7 * (depth[i] - farthest) / (nearest - farthest));
    const int transparency = static_cast<int>(std::lround(255 * (1 - opacity)));
    if (transparency == 255) continue;
    commands += fmt::format("{} {} {} {}\n", x.data<double>()[i], y.data<double>()[i], z.data<double>()[i],
                            transparency << 24 | viridis(t[i]));
  }
  commands += "END\nsplot $cloud using 1:2:3:4 with points pt 7 ps 0.9 lw 0 lc rgb variable\n";
  return {name, description, 640, 480, commands};
}

bool can_draw() {
  try {
    spawn_gnuplot("/dev/null");
    return true;
  } catch (const ct::Error&) {
    return false;
  }
}

void draw(const Figure& figure, const std::string& folder) {
  const std::string path = (std::filesystem::absolute(folder) / (figure.name + ".png")).string();
  const TemporaryFile script(path + ".gnuplot"), unfinished(path + ".part");
  const std::string frame = fmt::format(
      "set terminal pngcairo size {},{} font 'DejaVu Sans,10' background '#ffffff'\nset output {}\n"
      "set encoding utf8\nset minussign\nset border 31 lw 0.8\nunset key\n",
      figure.width, figure.height, quoted(unfinished.path()));
  ct::write_file("draw", script.path(), {frame, figure.commands, "unset output\n"});
  spawn_gnuplot(script.path());
  std::error_code error;
  std::filesystem::rename(unfinished.path(), path, error);
  if (error) ct::fail("draw", fmt::format("gnuplot did not write {}", path));
}

}  // namespace gallery
