// The report of a gallery: text on the standard output, figures and one HTML page in a folder.
#pragma once

#include <string>
#include <vector>

#include "figure.h"

namespace gallery {

// Collects what a page shows, in order, and prints its text on the way.
class Report {
 public:
  // Figures and the page go to `folder`, which is made if missing. Error if it cannot be written. `source` is the C++
  // file whose functions the page shows. Without gnuplot, figures are left out and the report says so.
  Report(std::string title, std::string folder, std::string source);

  void heading(int level, const std::string& text);
  void paragraph(const std::string& text);

  // One cell: the code of a function of the source, what it prints, and its figures.
  void cell(const std::string& function, const std::string& printed, const std::vector<Figure>& figures = {});

  // Writes index.html. Returns the closing words: where it is, and what is missing.
  std::string finish() const;

 private:
  std::string code_of(const std::string& function) const;

  std::string title_, folder_, source_, body_;
  bool draws_;
  int figures_ = 0;
};

}  // namespace gallery
