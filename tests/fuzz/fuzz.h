// What the fuzzers share: the bytes at hand as a file, and checks that end the process.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include "cotangent/core/error.h"
#include "cotangent/core/tensor.h"

// The entry of every fuzzer: whatever the bytes are, nothing but Error may come of them. replay.cpp calls it, and
// libFuzzer does.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace cotangent::fuzz {

// Ends the process, as a crash that libFuzzer reports, unless `holds`.
inline void require(bool holds, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

// True unless read() throws Error. Whatever else it throws ends the process.
template <class Read>
bool succeeds(Read read) {
  try {
    read();
    return true;
  } catch (const Error&) {
    return false;
  }
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && visit(a.dtype(), [&]<class T>() {
           const auto bytes_of = [](const Tensor& x) { return std::as_bytes(x.template data<T>()); };
           return std::ranges::equal(bytes_of(a), bytes_of(b));
         });
}

// A file in memory, with the contents last written.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "the system makes files in memory");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string holding(std::span<const std::byte> bytes) const {
    require(::ftruncate(descriptor_, 0) == 0 &&
                ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
            "files in memory can be written");
    return "/proc/self/fd/" + std::to_string(descriptor_);
  }

 private:
  int descriptor_;
};

// A folder for what the fuzzer saves, in memory where there is one, removed at the end.
class Folder {
 public:
  Folder()
      : path_((std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path().string()) +
              "/cotangent-fuzz-XXXXXX") {
    require(::mkdtemp(path_.data()) != nullptr, "a folder can be made");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file() const { return path_ + "/saved"; }

 private:
  std::string path_;
};

}  // namespace cotangent::fuzz
