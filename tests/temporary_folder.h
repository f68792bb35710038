// A folder for the files of one test.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace cotangent::testing {

// Made empty, removed with all it holds when the test is over.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(::testing::TempDir() + "cotangent-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder " + path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

  // The path of a file in it.
  friend std::string operator/(const TemporaryFolder& folder, const std::string& name) {
    return folder.path_ + '/' + name;
  }

 private:
  std::string path_;
};

}  // namespace cotangent::testing
