#include "harness/scenario/reader.hpp"

#include "harness/base/text.hpp"
#include "harness/scenario/objective.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace assay {

namespace {

constexpr std::size_t longest_line = 300;
constexpr std::size_t longest_prose = 20'000;
constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_list_in_a_message = 12;

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string suggestion(std::string_view wrong, std::vector<std::string> const& known, std::string_view what) {
  if (auto const near = nearest(wrong, known)) return fmt::format("; did you mean `{}`?", *near);
  if (known.size() > longest_list_in_a_message) return "";
  return fmt::format("; {}: {}", what, fmt::join(known, ", "));
}

bool is_name(std::string_view text) {
  auto const plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= longest_name && plain(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return plain(c) || c == '-' || c == '_'; });
}

// Blanks at line ends and around the whole are nobody's intention, and would not survive being written as a block of
// text.
std::string tidy_prose(std::string_view text) {
  std::string out;
  for (auto line : split(text, '\n')) {
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  auto const begin = out.find_first_not_of("\n ");
  if (begin == std::string::npos) return "";
  return out.substr(begin, out.find_last_not_of('\n') - begin + 1);
}

// Escapes in a quoted text can bring in what the file itself may not contain.
bool has_control_character(std::string_view text, bool newlines_allowed) {
  return std::ranges::any_of(text, [&](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && !(newlines_allowed && c == '\n')) || byte == 0x7f;
  });
}

bool in_range(double value, Key const& key) {
  return value <= key.max && (key.above_min ? value > key.min : value >= key.min);
}

// What a value says before anybody has asked for a type: YAML's own reading.
boost::json::value to_json(Node const& node) {
  switch (node.kind) {
    case Node::Kind::null: return nullptr;
    case Node::Kind::list: {
      boost::json::array list;
      for (Node const& child : node.children) list.push_back(to_json(child));
      return list;
    }
    case Node::Kind::map: {
      boost::json::object map;
      for (Node const& child : node.children) map[child.key] = to_json(child);
      return map;
    }
    case Node::Kind::scalar: break;
  }
  if (!node.quoted) {
    if (node.text == "true" || node.text == "false") return node.text == "true";
    if (auto const whole = parse_whole<std::int64_t>(node.text)) return *whole;
    if (auto const number = parse_whole<double>(node.text); number && std::isfinite(*number)) return *number;
  }
  return boost::json::value(node.text);
}

}  // namespace

std::string range_text(Key const& key, bool duration) {
  auto const show = [&](double bound) {
    return duration ? format_duration(from_seconds(bound)) : fmt::format("{}", bound);
  };
  bool const low = std::isfinite(key.min), high = std::isfinite(key.max);
  if (low && high && !key.above_min) return fmt::format("from {} to {}", show(key.min), show(key.max));
  std::string text;
  if (low) text = fmt::format("{} {}", key.above_min ? "above" : "at least", show(key.min));
  if (high) text += fmt::format("{}at most {}", low ? ", " : "", show(key.max));
  return text;
}

Node* Reader::take(Key const& key) {
  std::string const name{key.name};
  known_.push_back(name);
  Node* node = map_.find(name);
  if (!key.one_of.empty()) {
    auto& group = groups_[key.one_of];
    group.keys.push_back(name);
    if (node) group.present.push_back(node);
  }
  if (!key.only.empty() && shape_ != key.only) {
    if (node && !shape_.empty()) {
      mistakes_.add(
          node->key_place, path_of(name),
          fmt::format("`{}` belongs to shape `{}`, but `{}` is `{}`", name, key.only, path_of("shape"), shape_));
    }
    return nullptr;
  }
  if (!node) {
    if (key.required) {
      std::string const why = key.only.empty() ? "" : fmt::format(" (shape `{}` needs it)", key.only);
      Place const place = path_.empty() ? Place{} : map_.key.empty() ? map_.place : map_.key_place;
      missing_.push_back({place, path_of(name), fmt::format("`{}` is missing{}: {}", path_of(name), why, key.doc)});
    }
    return nullptr;
  }
  if (node->kind == Node::Kind::null) {
    mistakes_.add(node->key_place, path_of(name),
                  fmt::format("`{}` has no value; leave the key out for its default", path_of(name)));
    return nullptr;
  }
  return node;
}

void Reader::finish() {
  std::vector<std::string> misspelt;  // paths of what was meant: one slip is one message
  for (Node const& child : map_.children) {
    if (std::ranges::find(known_, child.key) != known_.end()) continue;
    if (auto const meant = nearest(child.key, known_)) misspelt.push_back(path_of(*meant));
    std::string const where = path_.empty() ? "" : fmt::format(" in `{}`", path_);
    mistakes_.add(child.key_place, path_of(child.key),
                  fmt::format("unknown key `{}`{}{}", child.key, where, suggestion(child.key, known_, "known here")));
  }
  for (auto& mistake : missing_) {
    if (std::ranges::find(misspelt, mistake.path) == misspelt.end()) mistakes_.list.push_back(std::move(mistake));
  }
  for (auto const& [name, group] : groups_) {
    std::string const choices = fmt::format("`{}`", fmt::join(group.keys, "` or `"));
    if (group.present.empty()) {
      Place const place = path_.empty() ? Place{} : map_.key.empty() ? map_.place : map_.key_place;
      mistakes_.add(place, path_of(group.keys.front()), fmt::format("`{}` needs one of {}", path_, choices));
    } else if (group.present.size() > 1) {
      Node const& last = *group.present.back();
      mistakes_.add(last.key_place, path_of(last.key),
                    fmt::format("`{}` needs only one of {}; remove one (on the command line: --set {}=)", path_,
                                choices, path_of(group.present.front()->key)));
    }
  }
}

bool Reader::is_a(Node const& node, Node::Kind kind, std::string const& path, std::string_view wanted) {
  if (node.kind == kind) return true;
  wrong(node, path, fmt::format("`{}` must be {}, not {}", path, wanted, describe_kind(node)));
  return false;
}

std::optional<double> Reader::number(Node const& node, std::string const& path, Key const& key) {
  auto const value = node.kind == Node::Kind::scalar && !node.quoted ? parse_whole<double>(node.text) : std::nullopt;
  if (!value || !std::isfinite(*value)) {
    wrong(node, path, fmt::format("`{}` must be a number, not {}", path, describe_kind(node)));
    return std::nullopt;
  }
  if (!in_range(*value, key)) {
    wrong(node, path, fmt::format("`{}` is {}; it must be {}", path, node.text, range_text(key, false)));
    return std::nullopt;
  }
  return value;
}

std::size_t Reader::choice(Node const& node, std::string const& path, std::span<std::string_view const> names,
                           std::size_t fallback) {
  std::vector<std::string> const known{names.begin(), names.end()};
  if (!is_a(node, Node::Kind::scalar, path, fmt::format("one of {}", fmt::join(known, ", ")))) return fallback;
  auto const at = std::ranges::find(known, node.text);
  if (at != known.end()) return static_cast<std::size_t>(at - known.begin());
  auto const near = nearest(node.text, known);
  wrong(node, path,
        fmt::format("`{}` must be one of {}, not {}{}", path, fmt::join(known, ", "), describe_kind(node),
                    near ? fmt::format("; did you mean `{}`?", *near) : ""));
  return fallback;
}

// {runners: [10, 50], backend: [a, b]} → 10 a, 50 a, 10 b, 50 b: the first key varies fastest.
void Reader::write_out_each(Node& list, std::span<std::string_view const> keys) {
  std::vector<Node> all;
  for (Node const& entry : list.children) {
    std::vector<Node> combinations{entry};
    for (auto const key : keys) {
      Node const* values = entry.find(key);
      if (!values || values->kind != Node::Kind::list || values->children.empty()) continue;
      std::vector<Node> next;
      for (Node const& value : values->children) {
        for (Node const& combination : combinations) {
          Node& copy = next.emplace_back(combination);
          Node& slot = *copy.find(key);
          Place const key_place = slot.key_place;
          slot = value;
          slot.key = key;
          slot.key_place = key_place;
        }
      }
      combinations = std::move(next);
    }
    std::ranges::move(combinations, std::back_inserter(all));
  }
  list.children = std::move(all);
}

void Reader::read(Node& node, std::string const& path, Key const&, bool& value) {
  if (node.kind == Node::Kind::scalar && !node.quoted && (node.text == "true" || node.text == "false")) {
    value = node.text == "true";
  } else {
    wrong(node, path, fmt::format("`{}` must be true or false, not {}", path, describe_kind(node)));
  }
}

void Reader::read(Node& node, std::string const& path, Key const& key, int& value) {
  auto const any = number(node, path, key);
  if (!any) return;
  auto const whole = parse_whole<int>(node.text);
  if (whole)
    value = *whole;
  else
    wrong(node, path, fmt::format("`{}` must be a whole number, not {}", path, describe_kind(node)));
}

void Reader::read(Node& node, std::string const& path, Key const& key, std::uint64_t& value) {
  auto const any = number(node, path, key);
  if (!any) return;
  auto const whole = parse_whole<std::uint64_t>(node.text);
  if (whole)
    value = *whole;
  else
    wrong(node, path, fmt::format("`{}` must be a whole number below 2^64, not {}", path, describe_kind(node)));
}

void Reader::read(Node& node, std::string const& path, Key const& key, double& value) {
  if (auto const any = number(node, path, key)) value = *any;
}

void Reader::read(Node& node, std::string const& path, Key const& key, Duration& value) {
  if (!is_a(node, Node::Kind::scalar, path, "a duration, like 30s or 250ms")) return;
  auto const duration = parse_duration(node.text);
  if (!duration) {
    bool const bare = parse_whole<double>(node.text).value_or(-1) > 0;
    wrong(node, path,
          bare ? fmt::format("`{}` needs a unit: write {}s or {}ms", path, node.text, node.text)
               : fmt::format("`{}` must be a duration, like 30s or 250ms, not {}", path, describe_kind(node)));
  } else if (!in_range(to_seconds(*duration), key)) {
    wrong(node, path, fmt::format("`{}` is {}; it must be {}", path, node.text, range_text(key, true)));
  } else {
    value = *duration;
  }
}

void Reader::read(Node& node, std::string const& path, Key const& key, std::string& value) {
  if (!is_a(node, Node::Kind::scalar, path, "a text")) return;
  bool const prose = key.text == TextRule::prose;
  if (prose ? node.text.size() > longest_prose : node.text.size() > longest_line) {
    return wrong(node, path,
                 fmt::format("`{}` has {} characters; at most {} are allowed", path, node.text.size(),
                             prose ? longest_prose : longest_line));
  }
  // A line may be folded (>) or end with a line break; what counts is that one line is left.
  std::string const text = tidy_prose(node.text);
  if (has_control_character(text, prose)) {
    return wrong(node, path,
                 fmt::format("`{}` must be {}, without control characters", path, prose ? "plain text" : "one line"));
  }
  if (text.empty() && !prose) return wrong(node, path, fmt::format("`{}` is empty", path));
  switch (key.text) {
    case TextRule::line:
    case TextRule::prose:
    case TextRule::file: break;
    case TextRule::name:
      if (!is_name(text)) {
        return wrong(
            node, path,
            fmt::format(
                "`{}` must be lower-case letters, digits, - and _ (at most {}, a letter or digit first), not {}", path,
                longest_name, describe_kind(node)));
      }
      break;
    case TextRule::tag:
      if (!is_valid_tag(text)) {
        return wrong(
            node, path,
            fmt::format("`{}` must be 1 to 64 letters, digits or any of . _ : / -, not {}", path, describe_kind(node)));
      }
      break;
    case TextRule::backend:
      if (std::ranges::find(known_backends_, text) == known_backends_.end()) {
        std::vector<std::string> const known{known_backends_.begin(), known_backends_.end()};
        return wrong(node, path, fmt::format("unknown backend `{}`{}", text, suggestion(text, known, "known")));
      }
      break;
  }
  value = text;
}

void Reader::read(Node& node, std::string const& path, Key const&, Objective& value) {
  // Unquoted, YAML takes the colon for a key; what was meant is clear enough to say how to write it.
  if (node.kind == Node::Kind::map && node.children.size() == 1 && node.children[0].kind == Node::Kind::scalar) {
    return wrong(node, path,
                 fmt::format("put the whole in quotes, because of its colon: '{}: {}'", node.children[0].key,
                             node.children[0].text));
  }
  if (!is_a(node, Node::Kind::scalar, path, "a text like 'claim_latency: p99 < 5s'")) return;
  auto objective = parse_objective(node.text);
  if (objective)
    value = std::move(*objective);
  else
    wrong(node, path, objective.error().detail);
}

void Reader::read(Node& node, std::string const& path, Key const&, boost::json::object& value) {
  if (is_a(node, Node::Kind::map, path, "a map, like {load.payload_bytes: 4096}")) value = to_json(node).as_object();
}

void Reader::read(Node& node, std::string const& path, Key const& key, std::map<int, double>& value) {
  if (!is_a(node, Node::Kind::map, path, "a map, like {10: 20, 50: 100}")) return;
  for (Node& child : node.children) {
    std::string const inner = fmt::format("{}.{}", path, child.key);
    auto const number_key = parse_whole<int>(child.key);
    if (!number_key || *number_key < 1 || std::to_string(*number_key) != child.key) {
      mistakes_.add(child.key_place, inner, fmt::format("`{}` must be a number of runners, from 1", child.key));
    } else {
      read(child, inner, key, value[*number_key]);
    }
  }
}

void Reader::read(Node& node, std::string const& path, Key const& key, std::map<std::string, bool>& value) {
  if (!is_a(node, Node::Kind::map, path, "a map, like {several_coordinators: true}")) return;
  for (Node& child : node.children) {
    std::string const inner = fmt::format("{}.{}", path, child.key);
    if (!is_name(child.key)) {
      mistakes_.add(child.key_place, inner, fmt::format("`{}` must be lower-case letters, digits, - and _", child.key));
    } else {
      read(child, inner, key, value[child.key]);
    }
  }
}

}  // namespace assay
