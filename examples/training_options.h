// What the examples that train on Fashion-MNIST have in common: their command line and their data.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

#include "cotangent/cotangent.h"

struct TrainingOptions {
  int epochs = 3;
  std::int64_t batch_size = 64;
  double lr = 2e-3;
  std::int64_t seed = 0;
  int threads = 0;
  std::string data = "/usr/share/datasets/fashion-mnist";
  std::string output;
  std::int64_t limit = 0;

  // One half of the data, or its first `limit` pictures.
  cotangent::nn::Dataset load(cotangent::nn::Split split) const {
    const cotangent::nn::Dataset all = cotangent::nn::load_fashion_mnist(data, split);
    return limit == 0 ? all : all.slice(0, std::min(limit, all.size()));
  }

  // The training pictures in batches, in an order of their own for each epoch.
  cotangent::nn::Batches batches(const cotangent::nn::Dataset& training, int epoch) const {
    return cotangent::nn::batches(training, {.size = batch_size,
                                             .shuffle = true,
                                             .key = cotangent::random::Key(seed),
                                             .epoch = static_cast<std::uint32_t>(epoch)});
  }
};

// Parses the command line, checks that the output can be written, and calls train(options). Returns what main()
// should: mistakes are one line on the standard error and a status that is not 0.
inline int run_training(int argc, char** argv, const std::string& description, TrainingOptions options,
                        const std::string& output_help, const std::function<void(const TrainingOptions&)>& train) {
  CLI::App app(description);
  app.add_option("--epochs", options.epochs, "Passes over the training pictures")->check(CLI::Range(1, 10000));
  app.add_option("--batch-size", options.batch_size, "Pictures per step")->check(CLI::Range(1, 60000));
  app.add_option("--lr", options.lr, "Highest learning rate")->check(CLI::Range(0.0, 100.0));
  app.add_option("--seed", options.seed, "Of all randomness: initial weights, order of the pictures, dropout");
  app.add_option("--threads", options.threads, "0: all processors")->check(CLI::Range(0, 1024));
  app.add_option("--data", options.data, "Folder of the four files of Debian's dataset-fashion-mnist");
  app.add_option("--output", options.output, output_help);
  app.add_option("--limit", options.limit, "Use the first so many pictures; 0: all")->check(CLI::Range(0, 60000));
  for (CLI::Option* option : app.get_options()) option->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    cotangent::require_writable("--output", options.output);
    if (options.threads > 0) cotangent::set_num_threads(options.threads);
    cotangent::nn::seed(options.seed);
    train(options);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
