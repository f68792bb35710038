// Tests of files: whole reads, atomic writes, and what is refused.
#include "cotangent/core/file.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "expect_error.h"
#include "temporary_folder.h"

namespace cotangent {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

std::ptrdiff_t files_in(const TemporaryFolder& folder) {
  return std::distance(std::filesystem::directory_iterator(folder.path()), {});
}

TEST(File, ReturnsWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder / "x", big(3'000'000, 'b'), zero("a\0b", 3);
  write_file("test", path, {zero, big});
  EXPECT_EQ(read_file("test", path), zero + big);
  write_file("test", path, {"shorter"});
  EXPECT_EQ(read_file("test", path), "shorter");
  write_file("test", path, {});
  EXPECT_EQ(read_file("test", path), "");
  EXPECT_EQ(files_in(folder), 1);
}

TEST(File, ReadsFilesOfUnknownSize) { EXPECT_FALSE(read_file("test", "/proc/self/stat").empty()); }

TEST(File, WritesIntoTheCurrentFolder) {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file("test", "x", {"here"});
  std::filesystem::current_path(before);
  EXPECT_EQ(read_file("test", folder / "x"), "here");
}

TEST(File, KeepsLinksAndPermissions) {
  const TemporaryFolder folder;
  write_file("test", folder / "x", {"old"});
  ASSERT_EQ(::chmod((folder / "x").c_str(), 0640), 0);
  std::filesystem::create_symlink("x", folder / "link");
  write_file("test", folder / "link", {"new"});
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file("test", folder / "x"), "new");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "x").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST(File, RefusesWhatIsNotAFile) {
  const TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error([&] { read_file("load", folder / "none"); },
               "load: cannot open '" + folder / "none" + "': No such file");
  expect_error([&] { read_file("load", ""); }, "load: cannot open '': No such file");
  expect_error([&] { read_file("load", folder.path()); }, "load: '" + folder.path() + "' is a directory; name a file");
  expect_error([&] { read_file("load", pipe); }, "pipe' is not a regular file");
  expect_error([&] { read_file("load", "/dev/zero"); }, "load: '/dev/zero' is not a regular file");
  expect_error([&] { write_file("save", folder.path(), {"x"}); }, "is a directory; name a file");
  expect_error([&] { write_file("save", pipe, {"x"}); }, "pipe' is not a regular file");
  expect_error([&] { write_file("save", "/dev/null", {"x"}); }, "save: '/dev/null' is not a regular file");
  expect_error([&] { write_file("save", folder / "no/x", {"x"}); },
               "save: cannot write '" + folder / "no/x" + "': No such file or directory");
  expect_error([&] { write_file("save", "", {"x"}); }, "save: cannot write '': No such file");
  write_file("save", folder / "x", {"x"});
  expect_error([&] { write_file("save", folder / "x/y", {"x"}); }, "Not a directory");
  EXPECT_EQ(files_in(folder), 2);
}

TEST(File, TellsBeforehandWhatItWouldRefuse) {
  const TemporaryFolder folder;
  require_writable("save", folder / "new");
  write_file("save", folder / "x", {"x"});
  require_writable("save", folder / "x");
  EXPECT_EQ(files_in(folder), 1);
  expect_error([&] { require_writable("save", ""); }, "save: cannot write ''");
  expect_error([&] { require_writable("save", folder.path()); }, "is a directory; name a file");
  expect_error([&] { require_writable("save", folder / "no/x"); }, "No such file or directory");
  expect_error([&] { require_writable("save", folder / "x/y"); }, "Not a directory");
}

// Fails to write a file larger than the process may write, which stands for a full disk, and ends the process.
void write_beyond_the_limit(const std::string& path) {
  const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, SIG_IGN);
  const std::string big(5000, 'x');
  expect_error([&] { write_file("save", path, {big}); }, "save: cannot write '" + path + "': File too large");
  std::exit(::testing::Test::HasFailure() ? 1 : 0);
}

TEST(FileDeathTest, LeavesTheOldFileWhenWritingFails) {
  const TemporaryFolder folder;
  const std::string path = folder / "x";
  write_file("test", path, {"old"});
  EXPECT_EXIT(write_beyond_the_limit(path), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(read_file("test", path), "old");
  EXPECT_EQ(files_in(folder), 1);
}

// A file system of 64 kB, for as long as the object lives.
class SmallDisk {
 public:
  explicit SmallDisk(const TemporaryFolder& folder)
      : path_(folder.path()), mounted_(::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=64k") == 0) {}
  ~SmallDisk() {
    if (mounted_) ::umount(path_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_;
};

TEST(File, LeavesTheOldFileWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const SmallDisk disk(folder);
  if (!disk.is_mounted()) GTEST_SKIP() << "only root may mount a small disk";
  const std::string path = folder / "x", big(100'000, 'x');
  write_file("test", path, {"old"});
  expect_error([&] { write_file("save", path, {big}); }, "save: cannot write '" + path + "': No space left on device");
  EXPECT_EQ(read_file("test", path), "old");
  EXPECT_EQ(files_in(folder), 1);
  write_file("test", path, {"new"});
  EXPECT_EQ(read_file("test", path), "new");
}

// Fails to replace a file that is not writable, as an ordinary user, and ends the process.
void write_without_permission(const std::string& path) {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() == 0 && ::setuid(kNobody) != 0) std::exit(2);  // to root everything is writable
  expect_error([&] { write_file("save", path, {"new"}); }, "save: cannot write '" + path + "': Permission denied");
  std::exit(::testing::Test::HasFailure() ? 1 : 0);
}

TEST(FileDeathTest, ReplacesNoFileThatIsNotWritable) {
  const TemporaryFolder folder;
  const std::string path = folder / "x";
  write_file("test", path, {"old"});
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
  EXPECT_EXIT(write_without_permission(path), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(read_file("test", path), "old");
}

}  // namespace
}  // namespace cotangent
