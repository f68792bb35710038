// Files: read whole, written whole or not at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cotangent {

// The bytes of a regular file. Error, beginning with `operation`, if there is none or it cannot be read.
std::string read_file(std::string_view operation, const std::string& path);

// Error, beginning with `operation`, if write_file() would refuse `path` now: to be asked before long work whose result
// goes there.
void require_writable(std::string_view operation, const std::string& path);

// Writes `parts`, one after the other, as the file `path`, replacing what was there. The bytes first go to another file
// in the same folder, which takes the name only when all of it has reached the disk: a crash, a full disk or an Error
// leaves the old file as it was. If the process is killed in the meantime, nothing is left of the new one, but on file
// systems without nameless files (O_TMPFILE), and in the instant of its renaming, when it stays as .tmp-<16 digits> and
// may be deleted. A symbolic link keeps pointing where it did; a file keeps its permissions. Error, beginning with
// `operation`, if the folder is missing or not writable or `path` is anything but a regular file.
void write_file(std::string_view operation, const std::string& path, const std::vector<std::string_view>& parts);

}  // namespace cotangent
