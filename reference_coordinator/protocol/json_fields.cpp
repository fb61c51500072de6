#include "reference_coordinator/protocol/json_fields.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace assay::protocol {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

constexpr std::size_t most_tags = 32;
// So that a hostile object costs no more than a friendly one.
constexpr std::size_t most_mistakes = 8;
constexpr std::size_t longest_key = 64;

constexpr std::array<bool, 256> make_needs_escape() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
  table['"'] = true;
  table['\\'] = true;
  return table;
}

constexpr std::array<bool, 256> needs_escape = make_needs_escape();

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: {
      auto const byte = static_cast<unsigned char>(c);
      char const escaped[] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 0x0fU]};
      out.append(escaped, sizeof escaped);
    }
  }
}

constexpr std::array<Outcome, 7> outcomes{Outcome::ok,          Outcome::already_done, Outcome::stale_token,
                                          Outcome::unknown_run, Outcome::rejected,     Outcome::unavailable,
                                          Outcome::in_doubt};

std::string_view view(json::string const& text) { return {text.data(), text.size()}; }

json::parse_options strict_options() {
  json::parse_options options;
  options.max_depth = 12;
  return options;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  char const* plain = text.data();
  char const* const end = plain + text.size();
  for (char const* at = plain; at != end; ++at) {
    if (!needs_escape[static_cast<unsigned char>(*at)]) [[likely]]
      continue;
    out.append(plain, at);
    append_escaped(out, *at);
    plain = at + 1;
  }
  out.append(plain, end);
  out.push_back('"');
}

void append_id(std::string& out, RunId const& id) {
  out.push_back('"');
  append_plain_id(out, id);
  out.push_back('"');
}

void append_plain_id(std::string& out, RunId const& id) {
  std::array<char, 36> text;
  char* at = text.data();
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = hex_digits[id.bytes[i] >> 4];
    *at++ = hex_digits[id.bytes[i] & 0x0fU];
  }
  out.append(text.data(), text.size());
}

void append_token(std::string& out, ClaimToken token) {
  out.push_back('"');
  append_number(out, token.epoch);
  out.push_back('.');
  append_number(out, token.counter);
  out.push_back('"');
}

// A valid tag holds nothing that JSON escapes; append_string all the same, so that no caller can break the document.
void append_tags(std::string& out, TagSet const& tags) {
  out.push_back('[');
  for (auto const& tag : tags.tags()) {
    if (out.back() != '[') out.push_back(',');
    append_string(out, tag);
  }
  out.push_back(']');
}

// Parentheses: braces around a json::value make an array of it.
Document::Document(std::string_view text) : memory_{buffer_.data(), buffer_.size()}, root_(parse(text)) {}

json::value Document::parse(std::string_view text) {
  std::array<unsigned char, 2048> scratch;
  json::parser parser{json::storage_ptr{}, strict_options(), scratch.data(), scratch.size()};
  parser.reset(&memory_);
  boost::system::error_code error;
  std::size_t const consumed = parser.write_some(text.data(), text.size(), error);
  if (!error && consumed < text.size()) error = json::make_error_code(json::error::extra_data);
  if (!error) return parser.release();
  error_ = Error{ErrorKind::rejected, text.empty() ? "not JSON: the text is empty"
                                                   : fmt::format("not JSON: {} near byte {}", error.message(),
                                                                 std::min(consumed, text.size()))};
  return nullptr;
}

std::string describe(json::value const& found) {
  constexpr std::size_t longest = 40;
  if (found.is_object()) return "an object";
  if (found.is_array()) return "an array";
  if (!found.is_string() || found.get_string().size() <= longest) return json::serialize(found);
  std::string_view start = view(found.get_string()).substr(0, longest);
  while (!start.empty() && (static_cast<unsigned char>(start.back()) & 0xc0U) == 0x80U) start.remove_suffix(1);
  if (!start.empty() && static_cast<unsigned char>(start.back()) >= 0xc0U) start.remove_suffix(1);
  std::string text;
  append_string(text, start);
  text.pop_back();
  return fmt::format("{}…\" ({} bytes)", text, found.get_string().size());
}

Error refused(std::string_view key, std::string_view rule, json::value const& found) {
  return Error{ErrorKind::rejected, fmt::format("{}: {} is expected, found {}", key, rule, describe(found))};
}

Fields::Fields(json::value const& value, std::initializer_list<std::string_view> keys) {
  object_ = value.if_object();
  if (object_ == nullptr) {
    note(refused("this", "an object", value));
    return;
  }
  for (auto const& entry : *object_) {
    std::string_view const key{entry.key().data(), entry.key().size()};
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    std::vector<std::string> const known(keys.begin(), keys.end());
    auto const meant = key.size() <= longest_key ? nearest(key, known) : std::optional<std::string>{};
    note({ErrorKind::rejected,
          meant ? fmt::format("{}: unknown key, did you mean \"{}\"?", describe(json::value(key)), *meant)
                : fmt::format("{}: unknown key, allowed are {}", describe(json::value(key)), fmt::join(known, ", "))});
    if (mistakes_.size() == most_mistakes) return;
  }
}

void Fields::note(Error mistake) { mistakes_.push_back(std::move(mistake)); }

json::value const* Fields::find(std::string_view key, Need need) {
  if (object_ == nullptr) return nullptr;
  json::value const* const value = object_->if_contains(key);
  if (value == nullptr && need == required) note({ErrorKind::rejected, fmt::format("{}: missing", key)});
  return value;
}

json::array const* Fields::array(std::string_view key, Need need, std::size_t most) {
  json::value const* const value = find(key, need);
  if (value == nullptr) return nullptr;
  json::array const* const items = value->if_array();
  if (items == nullptr) {
    note(refused(key, "an array", *value));
    return nullptr;
  }
  if (items->size() > most) {
    note({ErrorKind::rejected, fmt::format("{}: at most {} items are allowed, found {}", key, most, items->size())});
    return nullptr;
  }
  return items;
}

void Fields::text(std::string_view key, Need need, std::size_t max_bytes, std::string& into) {
  json::value const* const value = find(key, need);
  if (value == nullptr) return;
  if (!value->is_string()) return note(refused(key, "a string", *value));
  if (value->get_string().size() > max_bytes) {
    return note(refused(key, fmt::format("a string of at most {} bytes", max_bytes), *value));
  }
  into = view(value->get_string());
}

void Fields::integer(std::string_view key, Need need, std::int64_t lowest, std::int64_t highest, std::int64_t& into) {
  json::value const* const value = find(key, need);
  if (value == nullptr) return;
  std::int64_t const* const number = value->if_int64();
  if (number == nullptr || *number < lowest || *number > highest) {
    return note(refused(key, fmt::format("an integer from {} to {}", lowest, highest), *value));
  }
  into = *number;
}

void Fields::integer(std::string_view key, Need need, int lowest, int highest, int& into) {
  std::int64_t wide = into;
  integer(key, need, std::int64_t{lowest}, std::int64_t{highest}, wide);
  into = static_cast<int>(wide);
}

void Fields::boolean(std::string_view key, Need need, bool& into) {
  json::value const* const value = find(key, need);
  if (value == nullptr) return;
  if (!value->is_bool()) return note(refused(key, "true or false", *value));
  into = value->get_bool();
}

void Fields::number(std::string_view key, Need need, double& into) {
  json::value const* const value = find(key, need);
  if (value == nullptr) return;
  if (!value->is_number() || !std::isfinite(value->to_number<double>())) return note(refused(key, "a number", *value));
  into = value->to_number<double>();
}

void Fields::duration(std::string_view key, Need need, Duration longest, Duration& into) {
  json::value const* const value = find(key, need);
  if (value == nullptr) return;
  std::optional<Duration> const parsed =
      value->is_string() ? parse_duration(view(value->get_string())) : std::optional<Duration>{};
  if (!parsed || *parsed > longest) {
    return note(
        refused(key, fmt::format("a duration such as \"30s\" of at most {}", format_duration(longest)), *value));
  }
  into = *parsed;
}

void Fields::run_id(std::string_view key, Need need, RunId& into) {
  json::value const* const value = find(key, need);
  if (value == nullptr) return;
  std::optional<RunId> const parsed =
      value->is_string() ? parse_run_id(view(value->get_string())) : std::optional<RunId>{};
  if (!parsed) return note(refused(key, "a UUID of 8-4-4-4-12 hexadecimal digits", *value));
  into = *parsed;
}

void Fields::token(std::string_view key, ClaimToken& into) {
  json::value const* const value = find(key, required);
  if (value == nullptr) return;
  auto const parsed = value->is_string() ? parse_claim_token(view(value->get_string())) : std::optional<ClaimToken>{};
  if (!parsed) return note(refused(key, "a claim token as the assignment gave it", *value));
  into = *parsed;
}

void Fields::tags(std::string_view key, TagSet& into) {
  json::array const* const items = array(key, optional, most_tags);
  if (items == nullptr) return;
  std::vector<std::string> names;
  names.reserve(items->size());
  for (auto const& item : *items) {
    if (!item.is_string() || !is_valid_tag(view(item.get_string()))) {
      return note(refused(fmt::format("{}[{}]", key, names.size()),
                          "a tag of 1 to 64 letters, digits, or any of . _ : / -", item));
    }
    names.emplace_back(view(item.get_string()));
  }
  into = TagSet{std::move(names)};
}

std::optional<std::size_t> Fields::choice(std::string_view key, Need need, std::span<std::string_view const> names) {
  json::value const* const value = find(key, need);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) {
    auto const found = std::find(names.begin(), names.end(), view(value->get_string()));
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  }
  note(refused(key, fmt::format("one of {}", fmt::join(names, ", ")), *value));
  return std::nullopt;
}

void Fields::outcome(std::string_view key, Outcome& into) {
  std::array<std::string_view, outcomes.size()> names;
  std::transform(outcomes.begin(), outcomes.end(), names.begin(), [](Outcome o) { return to_string(o); });
  if (auto const found = choice(key, required, names)) into = outcomes[*found];
}

}  // namespace assay::protocol
