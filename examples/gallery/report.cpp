// The report: Markdown's headings on the standard output, HTML in the file.
#include "report.h"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>

namespace ct = cotangent;

namespace gallery {
namespace {

constexpr const char* kStyle = R"(
  body { font: 16px/1.5 sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
  pre { background: #f4f4f4; padding: 0.8rem; overflow-x: auto; font-size: 13px; line-height: 1.4; }
  pre.printed { background: none; border-left: 3px solid #ccc; }
  img { max-width: 100%; }
)";

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') result += "&amp;";
    else if (c == '<') result += "&lt;";
    else if (c == '>') result += "&gt;";
    else if (c == '"') result += "&quot;";
    else result += c;
  }
  return result;
}

// The folder, made if it is missing.
void require_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!std::filesystem::is_directory(folder))
    ct::fail("--output", fmt::format("cannot make the folder {}: {}", folder,
                                     error ? error.message() : "there is something else of that name"));
  ct::require_writable("--output", folder + "/index.html");
}

}  // namespace

Report::Report(std::string title, std::string folder, std::string source)
    : title_(std::move(title)), folder_(std::move(folder)), source_(std::move(source)), draws_(can_draw()) {
  require_folder(folder_);
  heading(1, title_);
}

void Report::heading(int level, const std::string& text) {
  std::cout << "\n" << std::string(static_cast<std::size_t>(level), '#') << " " << text << "\n\n";
  body_ += fmt::format("<h{0}>{1}</h{0}>\n", level, escaped(text));
}

void Report::paragraph(const std::string& text) {
  std::cout << text << "\n";
  body_ += fmt::format("<p>{}</p>\n", escaped(text));
}

void Report::cell(const std::string& function, const std::string& printed, const std::vector<Figure>& figures) {
  std::cout << "[" << function << "]\n" << printed << std::flush;
  body_ += fmt::format("<pre>{}</pre>\n", escaped(code_of(function)));
  if (!printed.empty()) body_ += fmt::format("<pre class=\"printed\">{}</pre>\n", escaped(printed));
  if (!draws_) return;
  for (const Figure& figure : figures) {
    draw(figure, folder_);
    ++figures_;
    std::cout << "figure: " << figure.name << ".png, " << figure.description << "\n";
    body_ += fmt::format("<p><img src=\"{}.png\" alt=\"{}\" width=\"{}\" height=\"{}\"></p>\n", figure.name,
                         escaped(figure.description), figure.width, figure.height);
  }
}

std::string Report::finish() const {
  const std::string path = folder_ + "/index.html";
  const std::string missing =
      draws_ ? "" : "No figures were drawn: gnuplot is not installed (Debian package gnuplot-nox).";
  const std::string note = draws_ ? "" : fmt::format("<p><strong>{}</strong></p>\n", missing);
  ct::write_file("--output", path,
                 {fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                              "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}{}</body>\n</html>\n",
                              escaped(title_), kStyle, note, body_)});
  return draws_ ? fmt::format("{} figures and the page: {}", figures_, path)
                : fmt::format("{} The page: {}", missing, path);
}

// From the line on which the function begins to its closing brace, which is the first at the start of a line.
std::string Report::code_of(const std::string& function) const {
  const std::size_t name = source_.find(" " + function + "(");
  if (name == std::string::npos) ct::fail("Report", "no function " + function + " in the source");
  const std::size_t begin = source_.rfind('\n', name) + 1, end = source_.find("\n}\n", name) + 3;
  return source_.substr(begin, end - begin);
}

}  // namespace gallery
