#include "harness/scenario/input_file.hpp"

#include "harness/base/text.hpp"
#include "harness/scenario/yaml_tree.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace assay {

namespace fs = std::filesystem;

namespace {

// The file that was meant, when one of a similar name lies in the same folder.
std::string similar_file(fs::path const& path) {
  std::error_code error;
  std::vector<std::string> names;
  fs::path const folder = path.has_parent_path() ? path.parent_path() : fs::path{"."};
  for (fs::directory_iterator each{folder, error}, end; !error && each != end; each.increment(error)) {
    if (each->path().extension() == ".yaml") names.push_back(each->path().filename().string());
  }
  auto const near = nearest(path.filename().string(), names);
  return near ? fmt::format("; did you mean `{}`?", (path.parent_path() / *near).string()) : "";
}

}  // namespace

std::optional<std::string> read_input_file(fs::path const& path, Mistakes& mistakes) {
  std::error_code error;
  auto const status = fs::status(path, error);
  if (!fs::exists(status)) {
    mistakes.add({}, "", fmt::format("no such file{}", similar_file(path)));
    return std::nullopt;
  }
  if (!fs::is_regular_file(status)) {
    mistakes.add({}, "", "is not a file");
    return std::nullopt;
  }
  auto const size = fs::file_size(path, error);
  if (!error && size > largest_input_file) {
    mistakes.add({}, "", fmt::format("{} bytes; the largest file accepted has {}", size, largest_input_file));
    return std::nullopt;
  }
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  std::string text(largest_input_file + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) {
    mistakes.add({}, "", fmt::format("can't be read: {}", std::strerror(errno)));
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace assay
