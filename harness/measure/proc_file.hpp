// The kernel's small text files: read whole in one go, as the kernel makes their contents up at the first read. A file
// that is not there, or may not be read, is an expected outcome: the process ended, the kernel is built without it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <string>

namespace assay {

inline std::optional<std::string> read_proc_file(std::string const& path) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(file, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(got));
  ::close(file);
  if (got < 0) return std::nullopt;  // ESRCH: the process ended in between
  return text;
}

}  // namespace assay
