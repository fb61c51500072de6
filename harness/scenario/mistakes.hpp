// What is wrong with an input file, all of it at once, each with its place. Every reader of this folder collects
// mistakes and never throws; the command line prints `to_string` and exits 2. Easy to get wrong: lines and columns are
// 1-based and columns count characters, not bytes (yaml-cpp's marks are 0-based bytes; only yaml_tree.cpp sees those).
#pragma once

#include "harness/base/error.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <vector>

namespace assay {

struct Place {
  std::string flag;  // "--set load.payload_bytes=-1" when the value came from the command line; else empty, and
  int line = 0;      // 1-based; 0: the file as a whole
  int column = 0;    // 1-based, in characters
  int length = 1;    // characters to underline

  friend bool operator==(Place const&, Place const&) = default;
};

struct Mistake {
  Place place;
  std::string path;  // "fleet.hold", "trials.0.runners"; empty for the file as a whole
  std::string message;
};

struct Mistakes {
  std::string file;
  std::string text;  // of the file, for the source lines
  std::vector<Mistake> list;

  void add(Place place, std::string path, std::string message);
  // A mistake was found in the value at `path`, or in a part of it, or in something it is part of.
  bool touch(std::string_view path) const;
  void sort();  // in the order of the file; the command line's come last
};

// "pr-007.yaml:12:3: unknown key `runers`; did you mean `runners`?" with the source line and a caret under each.
std::string to_string(Mistakes const& mistakes);

template <class T>
using Checked = boost::system::result<T, Mistakes>;

// value() of an unchecked Checked<T> is a bug of the caller.
[[noreturn]] void throw_exception_from_error(Mistakes const& mistakes, boost::source_location const& where);

}  // namespace assay
