// A set of tags: what a run requires, or what a runner offers. A run may go to a runner when required ⊆ offered. Kept
// sorted and unique, so that equal sets are equal values and have one text form, `key()`, which serves as map key and
// database key.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

class TagSet {
 public:
  TagSet() = default;
  // Any order, duplicates allowed. Each tag must satisfy is_valid_tag; that is the caller's to check.
  explicit TagSet(std::vector<std::string> tags);

  bool includes(TagSet const& required) const;
  bool empty() const { return tags_.empty(); }
  std::size_t size() const { return tags_.size(); }
  std::vector<std::string> const& tags() const { return tags_; }

  std::string key() const;  // "arm64,linux"; "" for the empty set
  static TagSet from_key(std::string_view key);

  friend auto operator<=>(TagSet const&, TagSet const&) = default;

 private:
  std::vector<std::string> tags_;
};

// 1 to 64 characters out of letters, digits and "._:/-": a comma can't be in a tag, so that key() is unambiguous.
bool is_valid_tag(std::string_view tag);

}  // namespace assay
