#include "reference_coordinator/claim_core/tags.hpp"

#include "harness/base/text.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace assay {

TagSet::TagSet(std::vector<std::string> tags) : tags_{std::move(tags)} {
  std::sort(tags_.begin(), tags_.end());
  tags_.erase(std::unique(tags_.begin(), tags_.end()), tags_.end());
}

bool TagSet::includes(TagSet const& required) const {
  return std::includes(tags_.begin(), tags_.end(), required.tags_.begin(), required.tags_.end());
}

std::string TagSet::key() const { return fmt::format("{}", fmt::join(tags_, ",")); }

TagSet TagSet::from_key(std::string_view key) { return key.empty() ? TagSet{} : TagSet{split(key, ',')}; }

bool is_valid_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 64 && std::all_of(tag.begin(), tag.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == ':' || c == '/' || c == '-';
  });
}

}  // namespace assay
