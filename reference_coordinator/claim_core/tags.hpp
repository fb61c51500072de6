// A set of tags: what a run requires, or what a runner offers. A run may go to a runner when required ⊆ offered. Kept
// sorted and unique, so that equal sets are equal values and have one text form, `key()`, which serves as map key and
// database key. A value that is never changed and shares its tags with its copies: every demand and every claim carries
// one, and copying strings would be most of what a match costs.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <memory>
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
  bool empty() const { return shared_ == nullptr; }
  std::size_t size() const { return tags().size(); }
  std::vector<std::string> const& tags() const;
  std::size_t hash() const { return shared_ ? shared_->hash : 0; }  // of this process

  std::string key() const;  // "arm64,linux"; "" for the empty set
  static TagSet from_key(std::string_view key);

  friend bool operator==(TagSet const& a, TagSet const& b) {
    return a.shared_ == b.shared_ || (a.hash() == b.hash() && a.tags() == b.tags());
  }
  friend std::strong_ordering operator<=>(TagSet const& a, TagSet const& b) {
    return a.shared_ == b.shared_ ? std::strong_ordering::equal : a.tags() <=> b.tags();
  }

 private:
  struct Shared {
    std::vector<std::string> tags;
    std::size_t hash;
  };

  std::shared_ptr<Shared const> shared_;  // null: the empty set
};

// 1 to 64 characters out of letters, digits and "._:/-": a comma can't be in a tag, so that key() is unambiguous.
bool is_valid_tag(std::string_view tag);

// A tag that says whom a run is for: "source:team-a". Runners offer those of all sources that they serve.
inline constexpr std::string_view source_prefix = "source:";
// "source:team-a", or "" when a run names none.
std::string source_of(TagSet const& required);

}  // namespace assay

template <>
struct std::hash<assay::TagSet> {
  std::size_t operator()(assay::TagSet const& tags) const noexcept { return tags.hash(); }
};
