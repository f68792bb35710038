// The page "Convolutions in JAX" in cotangent: its cells in order, with their numbers, figures and an HTML page.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "cotangent/cotangent.h"
#include "gallery/page.h"

int main(int argc, char** argv) {
  using cotangent::random::Stream;
  std::string output = "gallery", face = gallery::kDebianFace, stream = "original";
  CLI::App app(
      "Goes through JAX's page on convolutions (docs.jax.dev, notebooks/convolutions): prints the shapes, draws "
      "16 figures and puts them on one HTML page.");
  app.add_option("--output", output, "Folder for the figures and index.html")->capture_default_str();
  CLI::Option* const face_option =
      app.add_option("--face", face, "SciPy's face.dat; without it, a test picture is made")->capture_default_str();
  app.add_option("--stream", stream,
                 "Random numbers: original, as in the page's own figure, or partitionable, as in JAX "
                 "since 0.5")
      ->check(CLI::IsMember({"original", "partitionable"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    const bool has_face = face_option->count() > 0 || std::filesystem::exists(face);
    const gallery::Picture picture = has_face ? gallery::load_face(face) : gallery::make_zone_plate();
    gallery::Report report("Convolutions in JAX, by cotangent", output, gallery::kCellsSource);
    gallery::show_page(report, picture, stream == "original" ? Stream::Original : Stream::Partitionable);
    std::cout << "\n" << report.finish() << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
