#include "reference_coordinator/http/identities.hpp"

#include "harness/base/error.hpp"
#include "reference_coordinator/protocol/json_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <fstream>
#include <set>
#include <sstream>

namespace assay {

namespace {

using protocol::Fields;

constexpr std::size_t most_identities = 1'000'000;
constexpr std::size_t longest_token = 256;
constexpr std::size_t longest_name = 128;

// RFC 6750's b64token: what can stand in an Authorization header as it is.
bool is_valid_token(std::string_view token) {
  return !token.empty() && token.size() <= longest_token &&
         token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") ==
             std::string_view::npos;
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c > ' ' && c < 0x7f && c != ',' && c != '"';
  });
}

struct Entry {
  std::string token;
  Identity identity;
};

Entry read_entry(protocol::json::value const& value, Identity::Role role, std::string const& place,
                 std::vector<std::string>& mistakes) {
  Entry entry;
  entry.identity.role = role;
  Fields fields =
      role == Identity::Role::runner ? Fields{value, {"token", "name", "tags"}} : Fields{value, {"token", "name"}};
  fields.text("token", Fields::required, longest_token, entry.token);
  fields.text("name", Fields::required, longest_name, entry.identity.name);
  if (role == Identity::Role::runner) fields.tags("tags", entry.identity.tags);
  if (fields.fine() && !is_valid_token(entry.token)) {
    fields.note({ErrorKind::rejected, "token: 1 to 256 letters, digits, or any of - . _ ~ + / = are expected"});
  }
  if (fields.fine() && !is_valid_name(entry.identity.name)) {
    fields.note(
        {ErrorKind::rejected, "name: 1 to 128 printable characters without space, comma or quote are expected"});
  }
  for (auto const& mistake : fields.mistakes()) {
    mistakes.push_back(mistake.detail.starts_with("this:") ? place + mistake.detail.substr(4)
                                                           : place + "." + mistake.detail);
  }
  return entry;
}

}  // namespace

Identities::Digest Identities::digest_of(std::string_view token) {
  Digest digest{};
  unsigned size = 0;
  if (EVP_Digest(token.data(), token.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw Failure{ExitStatus::internal_error, "OpenSSL cannot compute SHA-256"};
  }
  return digest;
}

Identities Identities::parse(std::string_view text, std::vector<std::string>& mistakes) {
  Identities result;
  protocol::Document const document{text};
  if (document.error()) {
    mistakes.push_back(document.error()->detail);
    return result;
  }
  Fields fields{document.root(), {"runners", "submitters"}};
  std::set<std::string> names;
  for (auto const& [key, role] :
       {std::pair{"runners", Identity::Role::runner}, {"submitters", Identity::Role::submitter}}) {
    protocol::json::array const* const items = fields.array(key, Fields::optional, most_identities);
    if (items == nullptr) continue;
    for (std::size_t i = 0; i < items->size(); ++i) {
      std::string const place = fmt::format("{}[{}]", key, i);
      std::size_t const before = mistakes.size();
      Entry entry = read_entry((*items)[i], role, place, mistakes);
      if (mistakes.size() > before) continue;
      if (!names.insert(entry.identity.name).second) {
        mistakes.push_back(fmt::format("{}.name: \"{}\" is there twice", place, entry.identity.name));
      }
      auto const [known, added] = result.by_digest_.try_emplace(digest_of(entry.token));
      if (added) {
        known->second = std::make_unique<Identity>(std::move(entry.identity));
      } else {
        mistakes.push_back(fmt::format("{}.token: the same as that of \"{}\"", place, known->second->name));
      }
    }
  }
  for (auto const& mistake : fields.mistakes()) {
    bool const whole = mistake.detail.starts_with("this:");
    mistakes.push_back(fmt::format("{}{}", whole ? "the file" : "", mistake.detail.substr(whole ? 4 : 0)));
  }
  if (mistakes.empty() && result.by_digest_.empty()) mistakes.emplace_back("neither a runner nor a submitter is in it");
  return result;
}

Identities Identities::load(std::filesystem::path const& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw Failure{ExitStatus::bad_input, fmt::format("identities: cannot read {}", file.string())};
  std::vector<std::string> mistakes;
  Identities identities = parse(text.str(), mistakes);
  if (mistakes.size() == 1) {
    throw Failure{ExitStatus::bad_input, fmt::format("identities: {}: {}", file.string(), mistakes.front())};
  }
  if (!mistakes.empty()) {
    throw Failure{ExitStatus::bad_input, fmt::format("identities: {}: {} mistakes\n  {}", file.string(),
                                                     mistakes.size(), fmt::join(mistakes, "\n  "))};
  }
  return identities;
}

Identity const* Identities::find(std::string_view token) const {
  if (token.empty() || token.size() > longest_token) return nullptr;
  auto const found = by_digest_.find(digest_of(token));
  return found == by_digest_.end() ? nullptr : found->second.get();
}

}  // namespace assay
