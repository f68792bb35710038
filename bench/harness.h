// What all benchmark programs share: registration of cases with Google Benchmark, and its main().
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>

namespace bench {

// A prepared computation. Making one may be slow; calling run() does the work that is timed.
struct Case {
  std::function<void()> run;
  double flops = 0;  // of one run, by the definition
  double check = 0;  // a number that is the same in every program that does this work
  const char* check_name = "check";
};

// Times make().run() under this name: "conv/<family>/<problem>/<direction>/<layout>", and a training step of a network
// is "train/networks/<network>/step/<layout>". The case is made when it is first asked for, and run once before the
// timing. Counters: flops, the check, and the process's peak and present resident memory in MiB.
void add_case(const std::string& name, std::function<Case()> make);

// Runs what was added as the command line says (--benchmark_filter=..., --benchmark_out=...). `context` is a list of
// facts for the output. The last line of the standard error, "foreign_cpu: 0.02", says how many processors were busy
// with something else meanwhile: much more than 0 means that the times are not to be trusted. Returns main()'s status.
int run_cases(int argc, char** argv, const std::vector<std::pair<std::string, std::string>>& context);

// The most resident memory that this process ever had (VmHWM), and what it has (VmRSS), in MiB. 0 where unknown.
double peak_memory();
double resident_memory();

}  // namespace bench
