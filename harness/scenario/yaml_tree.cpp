#include "harness/scenario/yaml_tree.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace assay {

namespace {

constexpr std::size_t most_nodes = 20'000;  // aliases can unfold a few lines into billions
constexpr int deepest_nesting = 32;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

int count_characters(std::string_view bytes) {
  return static_cast<int>(std::ranges::count_if(bytes, [](char c) { return !continues_character(c); }));
}

// Length in bytes of the UTF-8 sequence that `text` begins with; 0 if it is none (RFC 3629: no overlong forms, no
// surrogates).
std::size_t utf8_length(std::string_view text) {
  auto const byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  unsigned const first = byte(0);
  if (first < 0x80) return 1;
  std::size_t const length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  bool const overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  bool const beyond = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
  return overlong || beyond ? 0 : length;
}

// yaml-cpp reads several encodings, guesses, and replaces what it can't read: so the bytes are checked before it sees
// them.
bool is_clean_text(std::string_view text, Mistakes& mistakes) {
  Place place{.line = 1, .column = 1};
  while (!text.empty()) {
    std::size_t const length = utf8_length(text);
    auto const first = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      mistakes.add(place, "", fmt::format("byte 0x{:02x} is not UTF-8 text", first));
      return false;
    }
    if ((first < 0x20 && first != '\n' && first != '\t' && first != '\r') || first == 0x7f) {
      mistakes.add(place, "", fmt::format("control character 0x{:02x}; a file like this is plain text", first));
      return false;
    }
    if (first == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
    text.remove_prefix(length);
  }
  return true;
}

// The sentence that helps, for the syntax errors people make most; yaml-cpp's own words otherwise.
std::string explain(std::string const& message) {
  if (message.find("tab") != std::string::npos) return "a tab; YAML indents with spaces only";
  if (message == "illegal map value") {
    return "a second `:` on this line, or a key indented unlike its neighbours; put text that contains `: ` in quotes";
  }
  if (message == "end of map not found") return "this line is indented unlike its neighbours";
  if (message == "illegal flow end") return "this bracket closes nothing";
  if (message == "end of sequence flow not found") return "a `[` is never closed";
  if (message == "end of map flow not found") return "a `{` is never closed";
  if (message == "the referenced anchor is not defined")
    return "this alias (`*name`) names no anchor (`&name`) above it";
  return message;
}

class Converter {
 public:
  Converter(std::string_view text, Mistakes& mistakes) : mistakes_{mistakes} {
    for (std::size_t at = 0; at <= text.size();) {
      std::size_t const end = std::min(text.find('\n', at), text.size());
      lines_.push_back(text.substr(at, end - at));
      line_starts_.push_back(at);
      at = end + 1;
    }
    text_ = text;
  }

  Place place(YAML::Mark const& mark) const {
    if (mark.is_null() || mark.line < 0 || static_cast<std::size_t>(mark.line) >= lines_.size()) return {};
    std::string_view const line = lines_[static_cast<std::size_t>(mark.line)];
    auto const bytes = std::min(static_cast<std::size_t>(std::max(mark.column, 0)), line.size());
    return {.line = mark.line + 1, .column = count_characters(line.substr(0, bytes)) + 1};
  }

  char character_at(YAML::Mark const& mark) const {
    if (mark.is_null() || static_cast<std::size_t>(mark.line) >= lines_.size()) return 0;
    std::string_view const line = lines_[static_cast<std::size_t>(mark.line)];
    return static_cast<std::size_t>(mark.column) < line.size() ? line[static_cast<std::size_t>(mark.column)] : '\0';
  }

  // False: too many nodes or too deep; a mistake says so and the tree is of no use.
  bool convert(YAML::Node const& yaml, Node& node, std::string const& path, int depth) {
    if (++nodes_ > most_nodes || depth > deepest_nesting) {
      mistakes_.add(
          node.place, path,
          fmt::format("nested deeper than {} levels or unfolding to more than {} values; does an alias contain itself?",
                      deepest_nesting, most_nodes));
      return false;
    }
    if (auto const at = place(yaml.Mark()); at.line > 0 && !yaml.IsNull()) node.place = at;
    if (yaml.IsDefined() && !yaml.Tag().empty() && yaml.Tag() != "?" && yaml.Tag() != "!") {
      mistakes_.add(node.place, path, fmt::format("tags like `{}` are not used here; leave it out", yaml.Tag()));
    }
    switch (yaml.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: return true;
      case YAML::NodeType::Scalar: return convert_scalar(yaml, node, path);
      case YAML::NodeType::Sequence: return convert_list(yaml, node, path, depth);
      case YAML::NodeType::Map: return convert_map(yaml, node, path, depth);
    }
    return true;
  }

 private:
  bool convert_scalar(YAML::Node const& yaml, Node& node, std::string const& path) {
    node.kind = Node::Kind::scalar;
    node.text = yaml.Scalar();
    node.quoted = yaml.Tag() == "!";
    node.place.length = std::max(1, count_characters(node.text.substr(0, node.text.find('\n'))));
    if (node.quoted) check_quotes(yaml.Mark(), node, path);
    return true;
  }

  // yaml-cpp accepts a quoted text that is never closed, and with it the rest of the file.
  void check_quotes(YAML::Mark const& mark, Node& node, std::string const& path) {
    if (mark.is_null() || static_cast<std::size_t>(mark.line) >= lines_.size()) return;
    std::size_t const begin = line_starts_[static_cast<std::size_t>(mark.line)] + static_cast<std::size_t>(mark.column);
    if (begin >= text_.size() || (text_[begin] != '"' && text_[begin] != '\'')) return;  // a block text: | or >
    char const quote = text_[begin];
    for (std::size_t at = begin + 1; at < text_.size(); ++at) {
      if (quote == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote) {
        if (quote == '\'' && at + 1 < text_.size() && text_[at + 1] == quote) {
          ++at;
          continue;
        }
        std::string_view const whole = text_.substr(begin, at + 1 - begin);
        node.place.length = count_characters(whole.substr(0, whole.find('\n')));
        return;
      }
    }
    node.place.length = 1;
    mistakes_.add(node.place, path, fmt::format("the quote {} is never closed", quote));
  }

  bool convert_list(YAML::Node const& yaml, Node& node, std::string const& path, int depth) {
    node.kind = Node::Kind::list;
    for (auto const& item : yaml) {
      Node child;
      child.place = node.place;
      if (!convert(item, child, join(path, std::to_string(node.children.size())), depth + 1)) return false;
      node.children.push_back(std::move(child));
    }
    return true;
  }

  bool convert_map(YAML::Node const& yaml, Node& node, std::string const& path, int depth) {
    node.kind = Node::Kind::map;
    std::vector<Node> merged;
    for (auto const& entry : yaml) {
      Place at = place(entry.first.Mark());
      if (!entry.first.IsScalar()) {
        mistakes_.add(at, path, "a key must be a plain word");
        continue;
      }
      Node child;
      child.key = entry.first.Scalar();
      at.length = std::max(1, count_characters(child.key));
      child.key_place = at;
      child.place = at;  // of a value that is missing
      if (!convert(entry.second, child, join(path, child.key), depth + 1)) return false;
      if (child.key == "<<") {
        merged.push_back(std::move(child));
      } else if (Node const* first = node.find(child.key)) {
        mistakes_.add(
            at, join(path, child.key),
            fmt::format("key `{}` is given twice; it is in line {} already", child.key, first->key_place.line));
      } else {
        node.children.push_back(std::move(child));
      }
    }
    for (Node const& source : merged) merge(source, node, path);
    return true;
  }

  // https://yaml.org/type/merge.html: what the map has itself wins, then the first of several sources.
  void merge(Node const& source, Node& node, std::string const& path) {
    if (source.kind == Node::Kind::list) {
      for (Node const& each : source.children) merge(each, node, path);
    } else if (source.kind == Node::Kind::map) {
      for (Node const& each : source.children) {
        if (!node.find(each.key)) node.children.push_back(each);
      }
    } else {
      mistakes_.add(source.place, path, "`<<` merges a map or a list of maps, given as an alias: `<<: *name`");
    }
  }

  static std::string join(std::string const& path, std::string const& key) {
    return path.empty() ? key : path + "." + key;
  }

  std::string_view text_;
  std::vector<std::string_view> lines_;
  std::vector<std::size_t> line_starts_;
  Mistakes& mistakes_;
  std::size_t nodes_ = 0;
};

// Listens for where documents begin, and for nothing else.
class DocumentStart final : public YAML::EventHandler {
 public:
  YAML::Mark mark;

  void OnDocumentStart(YAML::Mark const& at) override { mark = at; }
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const&, YAML::anchor_t) override {}
  void OnAlias(YAML::Mark const&, YAML::anchor_t) override {}
  void OnScalar(YAML::Mark const&, std::string const&, YAML::anchor_t, std::string const&) override {}
  void OnSequenceStart(YAML::Mark const&, std::string const&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(YAML::Mark const&, std::string const&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// YAML::Load reads the first document and says nothing of the rest; YAML::LoadAll (0.7) makes empty documents without
// end out of a stray bracket. So the events of at most two documents are counted here.
std::optional<YAML::Mark> second_document(std::string const& text) {
  std::istringstream stream{text};
  YAML::Parser parser{stream};
  DocumentStart start;
  parser.HandleNextDocument(start);
  return parser.HandleNextDocument(start) ? std::optional{start.mark} : std::nullopt;
}

std::optional<Node> parse_document(std::string_view text, Mistakes& mistakes) {
  Converter converter{text, mistakes};
  try {
    std::string const copy{text};
    if (auto const mark = second_document(copy)) {
      bool const separated = converter.character_at(*mark) == '-';
      mistakes.add(converter.place(*mark), "",
                   separated ? "a second document begins here; one file holds one document"
                             : "what comes before this is a whole document already; one file holds one map of keys");
      return std::nullopt;
    }
    auto const document = YAML::Load(copy);
    Node root;
    if (!document.IsDefined() || document.IsNull()) return root;
    root.place = {.line = 1, .column = 1};
    if (!converter.convert(document, root, "", 0)) return std::nullopt;
    return root;
  } catch (YAML::ParserException const& error) {
    mistakes.add(converter.place(error.mark), "", "not valid YAML: " + explain(error.msg));
  } catch (YAML::Exception const& error) {  // e.g. nested too deeply for yaml-cpp
    mistakes.add(converter.place(error.mark), "", "not valid YAML: " + error.msg);
  }
  return std::nullopt;
}

void move_to(Node& node, Place const& place) {
  node.place = node.key_place = place;
  for (Node& child : node.children) move_to(child, place);
}

}  // namespace

Node* Node::find(std::string_view name) {
  auto const at = std::ranges::find(children, name, &Node::key);
  return kind == Kind::map && at != children.end() ? &*at : nullptr;
}

Node const* Node::find(std::string_view name) const {
  auto const at = std::ranges::find(children, name, &Node::key);
  return kind == Kind::map && at != children.end() ? &*at : nullptr;
}

Node const& Node::nearest_at(std::string_view path) const {
  if (path.empty()) return *this;
  std::string_view const head = path.substr(0, path.find('.'));
  std::string_view const rest = head.size() == path.size() ? std::string_view{} : path.substr(head.size() + 1);
  if (kind == Kind::list) {
    std::size_t index = 0;
    auto const [end, error] = std::from_chars(head.data(), head.data() + head.size(), index);
    if (error == std::errc{} && index < children.size()) return children[index].nearest_at(rest);
    return *this;
  }
  Node const* child = find(head);
  return child ? child->nearest_at(rest) : *this;
}

std::optional<Node> parse_yaml(std::string_view text, Mistakes& mistakes) {
  if (text.size() > largest_input_file) {
    mistakes.add({}, "", fmt::format("{} bytes; the largest file accepted has {}", text.size(), largest_input_file));
    return std::nullopt;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!is_clean_text(text, mistakes)) return std::nullopt;
  auto root = parse_document(text, mistakes);
  if (!root) return std::nullopt;
  if (root->kind == Node::Kind::null) {
    mistakes.add({}, "", "the file is empty");
    return std::nullopt;
  }
  if (root->kind != Node::Kind::map) {
    mistakes.add(root->place, "", fmt::format("must be a map of keys at the top, not {}", describe_kind(*root)));
    return std::nullopt;
  }
  return root;
}

std::optional<Node> parse_yaml_value(std::string_view text, std::string const& flag, Mistakes& mistakes) {
  Mistakes inner;
  auto node = is_clean_text(text, inner) ? parse_document(text, inner) : std::nullopt;
  for (auto& mistake : inner.list) mistakes.add({.flag = flag}, "", std::move(mistake.message));
  if (!node || !inner.list.empty()) return std::nullopt;
  move_to(*node, {.flag = flag});
  return node;
}

std::string describe_kind(Node const& node) {
  switch (node.kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::list: return "a list";
    case Node::Kind::map: return "a map";
    case Node::Kind::scalar: break;
  }
  if (node.text.empty()) return "an empty text";
  std::string shown = node.text.substr(0, node.text.find('\n'));
  if (shown.size() > 60) {  // cut at a character, not inside one
    std::size_t end = 57;
    while (end > 0 && continues_character(shown[end])) --end;
    shown = shown.substr(0, end) + "...";
  }
  return node.quoted ? fmt::format("the text \"{}\"", shown) : fmt::format("`{}`", shown);
}

}  // namespace assay
