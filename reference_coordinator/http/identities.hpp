// Who may call: runners with their tags, and submitters, each known by a bearer token. Read once from a file, checked
// whole. Tokens are kept and looked up as SHA-256 digests, so that neither the time of a lookup nor a core dump gives
// one away.
#pragma once

#include "reference_coordinator/claim_core/tags.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct Identity {
  enum class Role : std::uint8_t { runner, submitter };

  std::string name;
  Role role = Role::runner;
  TagSet tags{};  // what a runner offers
};

class Identities {
 public:
  // {"runners":[{"token":"…","name":"…","tags":["linux"]}],"submitters":[{"token":"…","name":"…"}]}. Every mistake of
  // the text is added to `mistakes`, one line each; the result is good when there are none.
  static Identities parse(std::string_view json, std::vector<std::string>& mistakes);

  // Throws Failure (bad_input) naming the file and all mistakes.
  static Identities load(std::filesystem::path const& file);

  Identity const* find(std::string_view token) const;  // nullptr: nobody's. Valid as long as this object

  std::size_t size() const { return by_digest_.size(); }

 private:
  using Digest = std::array<unsigned char, 32>;

  static Digest digest_of(std::string_view token);

  std::map<Digest, std::unique_ptr<Identity>> by_digest_;
};

}  // namespace assay
