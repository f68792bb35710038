// Files: POSIX calls, so that every failure has its reason and nothing is half-written.
#include "cotangent/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <random>
#include <system_error>

#include "cotangent/core/error.h"

namespace cotangent {
namespace {

[[noreturn]] void fail_with_errno(std::string_view operation, std::string_view attempt, const std::string& path) {
  fail(operation, fmt::format("cannot {} '{}': {}", attempt, path, std::generic_category().message(errno)));
}

void require_regular(std::string_view operation, const struct stat& status, const std::string& path) {
  if (S_ISDIR(status.st_mode)) fail(operation, fmt::format("'{}' is a directory; name a file", path));
  if (!S_ISREG(status.st_mode)) fail(operation, fmt::format("'{}' is not a regular file", path));
}

// Repeats a system call that a signal interrupts.
template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// A file descriptor, of a file if it could be opened.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0) { open(path, flags, mode); }
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int value() const { return value_; }
  bool is_open() const { return value_ >= 0; }
  bool open(const std::string& path, int flags, mode_t mode) {
    value_ = retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
    return is_open();
  }
  bool close() {
    const bool closed = !is_open() || ::close(value_) == 0;
    value_ = -1;
    return closed;
  }

 private:
  int value_;
};

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// A name beside `path` that nobody else uses, even on a disk shared between machines; short, so that it fits wherever
// `path` does.
std::string temporary_beside(const std::filesystem::path& path) {
  std::random_device random;
  return (path.parent_path() / fmt::format(".tmp-{:08x}{:08x}", random(), random())).string();
}

// A file that is being written beside its target. While it is written it has no name, so that nothing is left of it if
// the process is killed; file systems that have no such files give it one of its own.
class Draft {
 public:
  explicit Draft(const std::string& target)
      : target_(target), name_(temporary_beside(target)), file_(folder_of(target), O_WRONLY | O_TMPFILE, 0666) {
    if (file_.is_open() && ::access(link().c_str(), F_OK) == 0) return;  // which needs /proc
    file_.close();
    has_name_ = file_.open(name_, O_WRONLY | O_CREAT | O_EXCL, 0666);
  }
  ~Draft() {
    if (has_name_) ::unlink(name_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const Descriptor& file() const { return file_; }

  // Puts what was written, when it has reached the disk, in the target's place. False, as before if that fails.
  bool publish() {
    if (::fsync(file_.value()) != 0) return false;
    if (!has_name_ && ::linkat(AT_FDCWD, link().c_str(), AT_FDCWD, name_.c_str(), AT_SYMLINK_FOLLOW) != 0) return false;
    has_name_ = true;
    if (!file_.close() || std::rename(name_.c_str(), target_.c_str()) != 0) return false;
    has_name_ = false;
    return true;
  }

 private:
  std::string link() const { return fmt::format("/proc/self/fd/{}", file_.value()); }

  const std::string target_, name_;
  Descriptor file_;
  bool has_name_ = false;
};

struct Target {
  std::string path;            // behind all symbolic links
  std::optional<mode_t> mode;  // of the file that is there now
};

// Where a file to be written as `path` goes. Error if its folder or the file that is there refuses it.
Target writable_target(std::string_view operation, const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path resolved = std::filesystem::canonical(path, ignored);
  Target target{resolved.empty() ? path : resolved.string(), {}};
  struct stat status {};
  if (::stat(target.path.c_str(), &status) == 0) {
    require_regular(operation, status, path);
    target.mode = status.st_mode & 07777;
    if (::access(target.path.c_str(), W_OK) != 0) fail_with_errno(operation, "write", path);
  } else if (errno != ENOENT || path.empty()) {
    fail_with_errno(operation, "write", path);
  }
  const std::string folder = folder_of(target.path);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) fail_with_errno(operation, "write", path);
  return target;
}

void write_all(std::string_view operation, const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = retry([&] { return ::write(file.value(), bytes.data(), bytes.size()); });
    if (written < 0) fail_with_errno(operation, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string read_file(std::string_view operation, const std::string& path) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);  // a pipe without a writer must not block before it is refused
  struct stat status {};
  if (!file.is_open() || ::fstat(file.value(), &status) != 0) fail_with_errno(operation, "open", path);
  require_regular(operation, status, path);
  std::string bytes;
  std::size_t filled = 0;
  const auto resize = [&](std::size_t size) {
    try {
      bytes.resize(size);
    } catch (const std::exception&) {  // bad_alloc or length_error
      fail(operation, fmt::format("'{}' does not fit in memory: {} bytes or more", path, size - 1));
    }
  };
  // One byte more than the file seems to have, so that the read that finds its end has room.
  resize(static_cast<std::size_t>(status.st_size) + 1);
  for (;;) {
    const ssize_t got = retry([&] { return ::read(file.value(), bytes.data() + filled, bytes.size() - filled); });
    if (got < 0) fail_with_errno(operation, "read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled == bytes.size()) resize(2 * filled);
  }
  bytes.resize(filled);
  return bytes;
}

void require_writable(std::string_view operation, const std::string& path) { writable_target(operation, path); }

void write_file(std::string_view operation, const std::string& path, const std::vector<std::string_view>& parts) {
  const auto [target, mode] = writable_target(operation, path);
  Draft draft(target);
  if (!draft.file().is_open()) fail_with_errno(operation, "write", path);
  if (mode && ::fchmod(draft.file().value(), *mode) != 0) fail_with_errno(operation, "write", path);
  for (std::string_view part : parts) write_all(operation, draft.file(), part, path);
  if (!draft.publish()) fail_with_errno(operation, "write", path);

  const Descriptor entry(folder_of(target), O_RDONLY | O_DIRECTORY);
  if (entry.is_open()) ::fsync(entry.value());  // makes the new name durable; not every file system can
}

}  // namespace cotangent
