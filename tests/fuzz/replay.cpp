// Runs a fuzzer's entry on every file of its corpus and on thousands of mutations of them, the same every time:
// replay FOLDER. It is how the ordinary tests keep what the fuzzers have found.
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <random>
#include <vector>

#include "cotangent/core/file.h"
#include "fuzz.h"

namespace {

constexpr std::size_t kMutations = 200;  // of each kind, of each file

class Replay {
 public:
  void run(const std::string& input) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    ++runs_;
  }

  // Every truncation or flipped bit where there are few, else some of them; and pieces of another file.
  void run_mutations(const std::string& file, const std::string& other) {
    run(file);
    if (file.empty()) return;
    for (std::size_t i = 0; i < std::min(kMutations, file.size()); ++i)
      run(file.substr(0, file.size() <= kMutations ? i : random_below(file.size())));
    for (std::size_t i = 0; i < std::min(kMutations, 8 * file.size()); ++i) {
      const std::size_t bit = 8 * file.size() <= kMutations ? i : random_below(8 * file.size());
      std::string mutant = file;
      mutant[bit / 8] = static_cast<char>(mutant[bit / 8] ^ (1 << bit % 8));
      run(mutant);
    }
    for (std::size_t i = 0; i < kMutations; ++i) {
      std::string mutant = file;
      const std::size_t from = random_below(other.size() + 1);
      mutant.replace(random_below(file.size()), random_below(9), other.substr(from, random_below(17)));
      run(mutant);
    }
  }

  std::int64_t runs() const { return runs_; }

 private:
  std::size_t random_below(std::size_t end) { return generator_() % end; }

  std::mt19937_64 generator_{20261124};
  std::int64_t runs_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: replay FOLDER\n", stderr), 2;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
  std::ranges::sort(paths);
  cotangent::fuzz::require(!paths.empty(), "the folder has files");
  Replay replay;
  std::string previous;
  for (const std::filesystem::path& path : paths) {
    const std::string file = cotangent::read_file("replay", path.string());
    replay.run_mutations(file, previous);
    previous = file;
  }
  std::printf("%zu files, %" PRId64 " runs\n", paths.size(), replay.runs());
}
