#include "reference_coordinator/claim_core/tags.hpp"

#include "harness/base/text.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace assay {

TagSet::TagSet(std::vector<std::string> tags) {
  if (tags.empty()) return;
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  std::size_t hash = tags.size();
  for (auto const& tag : tags) hash = hash * 0x9e3779b97f4a7c15U ^ std::hash<std::string>{}(tag);
  shared_ = std::make_shared<Shared const>(Shared{std::move(tags), hash});
}

std::vector<std::string> const& TagSet::tags() const {
  static std::vector<std::string> const none;
  return shared_ ? shared_->tags : none;
}

bool TagSet::includes(TagSet const& required) const {
  return std::includes(tags().begin(), tags().end(), required.tags().begin(), required.tags().end());
}

std::string TagSet::key() const { return fmt::format("{}", fmt::join(tags(), ",")); }

TagSet TagSet::from_key(std::string_view key) { return key.empty() ? TagSet{} : TagSet{split(key, ',')}; }

bool is_valid_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 64 && std::all_of(tag.begin(), tag.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == ':' || c == '/' || c == '-';
  });
}

std::string source_of(TagSet const& required) {
  for (auto const& tag : required.tags()) {
    if (tag.starts_with(source_prefix)) return tag;
  }
  return {};
}

}  // namespace assay
