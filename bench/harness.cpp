// Registration of cases, their timing, memory, and main().
#include "harness.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <limits>
#include <utility>
#include <vector>

namespace bench {
namespace {

// A line of /proc/self/status, which is in KiB.
double status_line(const std::string& label) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word; status.ignore(std::numeric_limits<std::streamsize>::max(), '\n'))
    if (word == label + ":") {
      double kib = 0;
      status >> kib;
      return kib / 1024;
    }
  return 0;
}

// Seconds of processor time that went into everything on the machine but this process, also what a hypervisor took.
double foreign_seconds() {
  std::ifstream stat("/proc/stat");
  std::string label;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  stat >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  const double busy = (user + nice + system + irq + softirq + steal) / static_cast<double>(sysconf(_SC_CLK_TCK));
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return busy - seconds(own.ru_utime) - seconds(own.ru_stime);
}

// The case being timed: one at a time, so that only its memory is held.
struct Current {
  std::string name;
  Case work;
};
Current& current() {
  static Current instance;
  return instance;
}

void time_case(benchmark::State& state, const std::string& name, const std::function<Case()>& make) {
  Current& now = current();
  if (now.name != name) {
    now = {};
    try {
      now = {name, make()};
      now.work.run();
    } catch (const std::exception& error) {
      now = {};
      state.SkipWithError(error.what());
      return;
    }
  }
  for (auto _ : state) now.work.run();
  state.counters["flops"] = now.work.flops;
  state.counters[now.work.check_name] = now.work.check;
  state.counters["peak_mib"] = peak_memory();
  state.counters["resident_mib"] = resident_memory();
}

}  // namespace

void add_case(const std::string& name, std::function<Case()> make) {
  benchmark::RegisterBenchmark(
      name.c_str(), [name, make = std::move(make)](benchmark::State& state) { time_case(state, name, make); })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

int run_cases(int argc, char** argv, const std::vector<std::pair<std::string, std::string>>& context) {
  benchmark::AddCustomContext("start_mib", std::to_string(resident_memory()));
  for (const auto& [key, value] : context) benchmark::AddCustomContext(key, value);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const double foreign = foreign_seconds();
  const auto start = std::chrono::steady_clock::now();
  benchmark::RunSpecifiedBenchmarks();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  std::cerr << "foreign_cpu: " << (foreign_seconds() - foreign) / wall.count() << "\n";
  current() = {};  // before the statics of the library that it uses are gone
  benchmark::Shutdown();
  return 0;
}

double peak_memory() { return status_line("VmHWM"); }
double resident_memory() { return status_line("VmRSS"); }

}  // namespace bench
