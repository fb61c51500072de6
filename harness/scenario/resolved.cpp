#include "harness/scenario/resolved.hpp"

#include "harness/scenario/json_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace assay {

namespace json = boost::json;

namespace {

// Plain where every YAML reader takes it for a text; quoted as JSON, which YAML includes, elsewhere.
std::string yaml_text(std::string_view text) {
  static constexpr std::array<std::string_view, 9> taken{"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  auto const letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto const safe = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
  };
  bool const word = !text.empty() && letter(text.front()) && std::ranges::all_of(text, safe) && text.size() <= 40;
  std::string lower{text};
  std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  if (word && std::ranges::find(taken, lower) == taken.end()) return std::string{text};
  bool const duration = parse_duration(text).has_value() && letter(text.back());
  return duration ? std::string{text} : json::serialize(json::value(text));
}

std::string yaml_scalar(json::value const& value) {
  if (value.is_string()) return yaml_text(value.get_string());
  if (value.is_double()) return fmt::format("{}", value.get_double());
  return json::serialize(value);
}

void write(json::value const& value, std::size_t indent, std::string& out);

void write_list(json::array const& list, std::size_t indent, std::string& out) {
  bool const nested = std::ranges::any_of(list, [](json::value const& item) { return item.is_structured(); });
  if (!nested) {
    std::vector<std::string> items;
    for (auto const& item : list) items.push_back(yaml_scalar(item));
    out += fmt::format(" [{}]\n", fmt::join(items, ", "));
    return;
  }
  out += '\n';
  for (auto const& item : list) {
    std::string inner;
    write(item, indent + 2, inner);  // "\n" and its lines, of which the first moves up behind the dash
    out += fmt::format("{:{}}- {}", "", indent, inner.substr(1 + indent + 2));
  }
}

// `value` follows a "key:" whose own keys, if it has any, are indented by `indent`.
void write(json::value const& value, std::size_t indent, std::string& out) {
  if (auto const* list = value.if_array()) {
    write_list(*list, indent, out);
  } else if (auto const* object = value.if_object(); object && !object->empty()) {
    out += '\n';
    for (auto const& [key, member] : *object) {
      out += fmt::format("{:{}}{}:", "", indent, std::string_view{key});
      write(member, indent + 2, out);
    }
  } else if (object) {
    out += " {}\n";
  } else if (auto const* text = value.if_string(); text && text->find('\n') != json::string::npos) {
    out += " |-\n";
    for (auto const& line : split(*text, '\n')) out += line.empty() ? "\n" : fmt::format("{:{}}{}\n", "", indent, line);
  } else {
    out += ' ' + yaml_scalar(value) + '\n';
  }
}

}  // namespace

json::object to_json(Scenario const& scenario) {
  JsonWriter writer;
  Scenario copy = scenario;
  describe(writer, copy);
  return writer.take();
}

std::string to_yaml(Scenario const& scenario) {
  std::string out;
  write(to_json(scenario), 0, out);
  return out.substr(1);
}

}  // namespace assay
