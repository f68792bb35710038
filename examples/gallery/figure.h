// Figures in the manner of matplotlib, drawn by gnuplot: line plots, pictures, clouds of points.
#pragma once

#include <string>
#include <vector>

#include "cotangent/cotangent.h"

namespace gallery {

// A drawing, ready to be made: gnuplot's commands with their data.
struct Figure {
  std::string name;         // of the file, without .png
  std::string description;  // in words
  int width, height;        // pixels
  std::string commands;
};

// Points (x[i], y[i]) joined by a line; a colour as gnuplot names it: "black", "#1f77b4".
struct Line {
  cotangent::Tensor x, y;
  std::string color;
};

// Brightness of a picture's elements, from the smallest to the largest: dark blue over green to yellow, or grey.
enum class ColorMap { Viridis, Grey };

// A picture (height, width), or (height, width, 3) in colours from 0 to 1, row 0 on top.
struct Panel {
  cotangent::Tensor picture;
  std::string title = "";
  ColorMap colors = ColorMap::Viridis;
};

Figure line_figure(const std::string& name, const std::string& description, int width, int height,
                   const std::vector<Line>& lines);

// Panels side by side, with square pixels.
Figure picture_figure(const std::string& name, const std::string& description, int width, int height,
                      const std::vector<Panel>& panels);

// Points in space, coloured by `values` and the more opaque the larger these are. `points` holds their coordinates x, y
// and z.
Figure cloud_figure(const std::string& name, const std::string& description, const std::string& title,
                    const cotangent::Tensors& points, const cotangent::Tensor& values);

// Whether gnuplot can be started.
bool can_draw();

// Draws the figure as `folder`/<name>.png, which appears only when it is complete. Error if gnuplot fails.
void draw(const Figure& figure, const std::string& folder);

}  // namespace gallery
