#include "harness/record/json_text.hpp"

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace assay {
namespace {

namespace json = boost::json;
using boost::system::error_code;

constexpr std::size_t line_width = 120;

void print_on_one_line(std::string& out, json::value const& value) {
  switch (value.kind()) {
    case json::kind::double_: {
      std::string const digits = fmt::format("{}", value.get_double());  // the shortest that reads back the same
      out += digits;
      return;
    }
    case json::kind::array: {
      out += '[';
      char const* separator = "";
      for (auto const& item : value.get_array()) {
        out += separator;
        print_on_one_line(out, item);
        separator = ", ";
      }
      out += ']';
      return;
    }
    case json::kind::object: {
      out += '{';
      char const* separator = "";
      for (auto const& [key, item] : value.get_object()) {
        out += separator;
        out += json::serialize(key);
        out += ": ";
        print_on_one_line(out, item);
        separator = ", ";
      }
      out += '}';
      return;
    }
    default: out += json::serialize(value);
  }
}

// `used`: how much of the line is taken already.
void print(std::string& out, json::value const& value, std::size_t indent, std::size_t used) {
  std::string line;
  print_on_one_line(line, value);
  bool const can_be_split =
      (value.is_array() && !value.get_array().empty()) || (value.is_object() && !value.get_object().empty());
  if (!can_be_split || used + line.size() < line_width) {
    out += line;
    return;
  }
  std::string const margin(indent + 2, ' ');
  bool const object = value.is_object();
  out += object ? "{" : "[";
  char const* separator = "\n";
  if (object) {
    for (auto const& [key, item] : value.get_object()) {
      std::string const name = json::serialize(key) + ": ";
      out += separator + margin + name;
      print(out, item, indent + 2, margin.size() + name.size());
      separator = ",\n";
    }
  } else {
    for (auto const& item : value.get_array()) {
      out += separator + margin;
      print(out, item, indent + 2, margin.size());
      separator = ",\n";
    }
  }
  out += '\n';
  out.append(indent, ' ');
  out += object ? '}' : ']';
}

// Builds a value from the parser's events, with from_chars for every number that is not an integer.
struct ExactHandler {
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  json::value_stack stack;
  std::string digits;

  bool on_document_begin(error_code&) { return stack.reset(), true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code&) { return stack.push_array(n), true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t n, error_code&) { return stack.push_object(n), true; }
  bool on_string_part(json::string_view s, std::size_t, error_code&) { return stack.push_chars(s), true; }
  bool on_string(json::string_view s, std::size_t, error_code&) { return stack.push_string(s), true; }
  bool on_key_part(json::string_view s, std::size_t, error_code&) { return stack.push_chars(s), true; }
  bool on_key(json::string_view s, std::size_t, error_code&) { return stack.push_key(s), true; }
  bool on_number_part(json::string_view s, error_code&) { return digits.append(s.data(), s.size()), true; }
  bool on_int64(std::int64_t i, json::string_view, error_code&) { return digits.clear(), stack.push_int64(i), true; }
  bool on_uint64(std::uint64_t u, json::string_view, error_code&) { return digits.clear(), stack.push_uint64(u), true; }
  bool on_double(double, json::string_view s, error_code& error) {
    digits.append(s.data(), s.size());
    double exact = 0;
    auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), exact);
    if (problem != std::errc{} || end != digits.data() + digits.size()) {
      error = json::error::not_number;
      return false;
    }
    digits.clear();
    return stack.push_double(exact), true;
  }
  bool on_bool(bool b, error_code&) { return stack.push_bool(b), true; }
  bool on_null(error_code&) { return stack.push_null(), true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

}  // namespace

std::string to_text(json::value const& value) {
  std::string out;
  print(out, value, 0, 0);
  out += '\n';
  return out;
}

json::value parse_exact(std::string_view text) {
  json::basic_parser<ExactHandler> parser{json::parse_options{}};
  error_code error;
  std::size_t const used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && text.substr(used).find_first_not_of(" \t\r\n") != std::string_view::npos)
    error = json::error::extra_data;
  if (error) {
    auto const line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(used, text.size())), '\n');
    throw std::runtime_error{fmt::format("line {}: {}", line, error.message())};
  }
  return parser.handler().stack.release();
}

json::value number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

}  // namespace assay
