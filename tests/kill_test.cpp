// Tests of saving under SIGKILL: at whatever moment the process dies, the file is the old one or the new one, whole.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <random>

#include "cotangent/core/file.h"
#include "cotangent/cotangent.h"
#include "temporary_folder.h"

namespace cotangent {
namespace {

using testing::TemporaryFolder;

constexpr int kKills = 50;  // of each of four tests
constexpr int kTorn = -1;   // no version that was ever saved

// A number that this process and its children see.
std::atomic<int>& shared_number() {
  void* const page =
      ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::bad_alloc();
  return *new (page) std::atomic<int>(0);
}

std::vector<std::string> names_in(const TemporaryFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.push_back(entry.path().filename().string());
  return names;
}

// The number that all elements are, or kTorn.
int version_of(const Tensor& tensor) {
  const std::span<const float> elements = tensor.data<float>();
  const float first = elements.front();
  return std::ranges::all_of(elements, [&](float x) { return x == first; }) ? static_cast<int>(first) : kTorn;
}

// Kills processes that save version after version over each other. After each kill the file must hold the last version
// that was saved, or the next.
template <class Save, class Load>
void expect_whole_versions(Save save, Load load) {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  std::mt19937 random(20261124);
  std::atomic<int>& saved = shared_number();
  int before = 0;
  save(path, 0);
  unsigned most = 5000;  // microseconds until the kill; more where they do not suffice for a save
  for (int kill = 0; kill < kKills; ++kill) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0)
      for (;;) {
        save(path, saved + 1);
        ++saved;
      }
    ::usleep(static_cast<useconds_t>(random() % most));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const int version = load(path);
    ASSERT_TRUE(version == saved || version == saved + 1) << version << " was read, the last saved is " << saved;
    if (version == before) most += 500;
    saved = before = version;
  }
  EXPECT_GT(saved, 0);
  for (const std::string& name : names_in(folder)) EXPECT_TRUE(name == "file" || name.starts_with(".tmp-")) << name;
  EXPECT_LE(names_in(folder).size(), 1u + kKills);  // what is killed while it renames leaves one
}

TEST(Kill, LeavesAWholeFile) {
  expect_whole_versions(
      [](const std::string& path, int version) {
        const std::string part(100'000, static_cast<char>('a' + version % 26));
        write_file("save", path, {part, std::to_string(version), part});
      },
      [](const std::string& path) {
        const std::string bytes = read_file("load", path);
        if (bytes.size() <= 200'000) return kTorn;
        const int version = std::atoi(bytes.substr(100'000).c_str());
        const std::string part(100'000, static_cast<char>('a' + version % 26));
        return bytes == part + std::to_string(version) + part ? version : kTorn;
      });
}

TEST(Kill, LeavesAWholeNpyFile) {
  expect_whole_versions(
      [](const std::string& path, int version) {
        save_npy(path, full({300, 100}, version));
      },
      [](const std::string& path) { return version_of(load_npy(path)); });
}

TEST(Kill, LeavesAWholeSafetensorsFile) {
  expect_whole_versions(
      [](const std::string& path, int version) {
        nn::save_safetensors({{"a", full({10'000}, version)}, {"b", full({5, 5}, version)}}, path);
      },
      [](const std::string& path) {
        const auto tensors = nn::load_safetensors(path);
        const int version = version_of(tensors.at("a"));
        return version_of(tensors.at("b")) == version ? version : kTorn;
      });
}

TEST(Kill, LeavesAWholeCheckpoint) {
  struct Net {
    nn::Conv2D conv{3, 16, 5};
    nn::BatchNorm norm{16};
    nn::Linear head{500, 40};
    void visit(nn::Visitor& v) { v("conv", conv), v("norm", norm), v("head", head); }
  };
  const auto tensors_of = [](Net& net) {
    std::vector<Tensor*> tensors;
    for (const auto& list : {nn::named_parameters(net), nn::named_buffers(net)})
      for (const auto& [name, tensor] : list) tensors.push_back(tensor);
    return tensors;
  };
  expect_whole_versions(
      [&, net = Net()](const std::string& path, int version) mutable {
        for (Tensor* tensor : tensors_of(net)) *tensor = full(tensor->shape(), version);
        nn::save(net, path);
      },
      [&](const std::string& path) {
        Net net;
        nn::load(net, path);
        const std::vector<Tensor*> tensors = tensors_of(net);
        const int version = version_of(*tensors.front());
        return std::ranges::all_of(tensors, [&](Tensor* tensor) { return version_of(*tensor) == version; }) ? version
                                                                                                            : kTorn;
      });
}

// The kernel itself kills the process in the middle of writing: at the byte that is beyond its limit.
TEST(Kill, LeavesNothingOfWhatWasNotWhole) {
  const TemporaryFolder folder;
  const int nameless = ::open(folder.path().c_str(), O_WRONLY | O_TMPFILE, 0600);
  if (nameless < 0) GTEST_SKIP() << "the file system of " << folder.path() << " has no nameless files";
  ::close(nameless);
  write_file("save", folder / "file", {"old"});
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    write_file("save", folder / "file", {std::string(900, 'x'), std::string(900, 'y')});
    std::_Exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"file"});
  EXPECT_EQ(read_file("load", folder / "file"), "old");
}

}  // namespace
}  // namespace cotangent
