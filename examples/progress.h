// A progress bar: one line that redraws itself on a terminal, and stays silent until its end elsewhere.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

class Progress {
 public:
  Progress(std::string title, std::int64_t steps)
      : title_(std::move(title)), steps_(steps), terminal_(isatty(STDOUT_FILENO) == 1) {}

  // One step is done, with this loss. Redraws at most ten times a second.
  void advance(double loss) {
    ++done_;
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || (now - drawn_ < std::chrono::milliseconds(100) && done_ < steps_)) return;
    drawn_ = now;
    const std::chrono::duration<double> elapsed = now - start_;
    const double left = elapsed.count() / static_cast<double>(done_) * static_cast<double>(steps_ - done_);
    const auto filled = static_cast<std::size_t>(kWidth * done_ / steps_);
    fmt::print("\r{} [{}{}] {:3d} %  loss {:.4f}  {:.0f} s left \033[K", title_, std::string(filled, '#'),
               std::string(kWidth - filled, '.'), 100 * done_ / steps_, loss, left);
    std::fflush(stdout);
  }

  // Replaces the bar by the title and a result.
  template <class... Arguments>
  void finish(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::print("{}{}: {}\n", terminal_ ? "\r\033[K" : "", title_,
               fmt::format(format, std::forward<Arguments>(arguments)...));
    std::fflush(stdout);
  }

 private:
  static constexpr std::int64_t kWidth = 30;
  const std::string title_;
  const std::int64_t steps_;
  const bool terminal_;
  std::int64_t done_ = 0;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point drawn_{};
};
