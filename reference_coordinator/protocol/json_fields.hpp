// JSON in and out for the wire contract. Writing appends to a string, without a document in between; reading parses
// into a buffer on the stack and takes an object apart field by field. Fields keeps the mistakes and goes on with
// defaults, so that decoders read as a list of fields; easy to get wrong: only finish() looks at them, so every decoder
// ends in it.
#pragma once

#include "harness/base/error.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <boost/json.hpp>

#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace assay::protocol {

namespace json = boost::json;

// A JSON string with its quotes. `text` is taken as UTF-8 as it is; control characters, NUL among them, become \u00xx.
void append_string(std::string& out, std::string_view text);

template <std::integral Number>
void append_number(std::string& out, Number number) {
  std::array<char, 24> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_id(std::string& out, RunId const& id);
void append_plain_id(std::string& out, RunId const& id);  // without the quotes
void append_token(std::string& out, ClaimToken token);
void append_tags(std::string& out, TagSet const& tags);

// A parsed text. Owns the memory of its values; small documents need none from the heap.
class Document {
 public:
  explicit Document(std::string_view text);
  Document(Document const&) = delete;
  Document& operator=(Document const&) = delete;

  std::optional<Error> const& error() const { return error_; }
  json::value const& root() const { return root_; }

 private:
  json::value parse(std::string_view text);

  std::array<unsigned char, 4096> buffer_;
  json::monotonic_resource memory_;
  std::optional<Error> error_;
  json::value root_;  // lives in memory_, and is made by parse()
};

// `found` in a few words, for messages: `"abc…"`, `17`, `an array`.
std::string describe(json::value const& found);

Error refused(std::string_view key, std::string_view rule, json::value const& found);

class Fields {
 public:
  enum class Need : bool { optional, required };
  static constexpr Need optional = Need::optional;
  static constexpr Need required = Need::required;

  // `value` must be an object that has no other keys than these.
  Fields(json::value const& value, std::initializer_list<std::string_view> keys);

  // Each leaves `into` as it is when the key is absent (a mistake if required) or its value breaks the rule. Null is a
  // value.
  void text(std::string_view key, Need need, std::size_t max_bytes, std::string& into);
  void integer(std::string_view key, Need need, std::int64_t lowest, std::int64_t highest, std::int64_t& into);
  void integer(std::string_view key, Need need, int lowest, int highest, int& into);
  void boolean(std::string_view key, Need need, bool& into);
  void number(std::string_view key, Need need, double& into);  // finite
  void duration(std::string_view key, Need need, Duration longest, Duration& into);
  void run_id(std::string_view key, Need need, RunId& into);
  void token(std::string_view key, ClaimToken& into);
  void tags(std::string_view key, TagSet& into);
  void outcome(std::string_view key, Outcome& into);

  // The value of a key, nullptr when it is absent.
  json::value const* find(std::string_view key, Need need);
  // For an array of at most `most` items; nullptr when it is absent or something else.
  json::array const* array(std::string_view key, Need need, std::size_t most);

  // One of `names`, by position; nothing when the field is missing or wrong.
  std::optional<std::size_t> choice(std::string_view key, Need need, std::span<std::string_view const> names);

  bool fine() const { return mistakes_.empty(); }
  void note(Error mistake);
  std::vector<Error> const& mistakes() const { return mistakes_; }

  template <class T>
  Result<T> finish(T value) {
    if (!mistakes_.empty()) return std::move(mistakes_.front());
    return value;
  }

 private:
  json::object const* object_ = nullptr;
  std::vector<Error> mistakes_;
};

// Reads every item of `fields[key]` with `read(json::value) → Result<T>`; a mistake is told with its place,
// "runs[3].priority".
template <class T, class Read>
std::vector<T> read_items(Fields& fields, std::string_view key, std::size_t most, Read read) {
  std::vector<T> items;
  json::array const* const array = fields.array(key, Fields::required, most);
  if (array == nullptr) return items;
  items.reserve(array->size());
  for (auto const& value : *array) {
    Result<T> item = read(value);
    if (!item) {
      auto const& error = item.error();
      std::string const place = std::string{key} + "[" + std::to_string(items.size()) + "]";
      // A detail opens with the key it is about, or with "this" when it is about the item itself.
      std::string const rest = error.detail.starts_with("this") ? error.detail.substr(4) : "." + error.detail;
      fields.note(Error{error.kind, place + rest});
      return items;
    }
    items.push_back(std::move(*item));
  }
  return items;
}

}  // namespace assay::protocol
