// What the redis-list backend keeps in Redis: the names of its keys, the settings, and the text of a task and of a
// reply. Everything is under one prefix, so that somebody's server stays usable by others.
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "reference_coordinator/claim_core/reply_desk.hpp"
#include "reference_coordinator/claim_core/tags.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::redis {

inline constexpr std::string_view every_key = "assay:*";
inline constexpr std::string_view every_response_key = "assay:response:*";
inline constexpr std::string_view tag_sets_key = "assay:tag_sets";  // every tag set that a run ever required
inline constexpr std::string_view epoch_key = "assay:epoch";        // counts the stores ever opened
// By coordinator: how many claims it holds, how many runs it has completed and seen die, when it last said so (unix
// ms). Whole numbers of its own and no increments, so that telling them twice, or after a broken connection again, is
// right.
inline constexpr std::string_view counts_key = "assay:counts";

std::string tasks_key(TagSet const& required);
std::string response_key(RunId const& run);          // per_task
std::string replies_key(std::uint64_t coordinator);  // shared_queue and pubsub

struct ReplySettings {
  enum class Path : std::uint8_t { per_task, pubsub, shared_queue };
  enum class Ttl : std::uint8_t { expire, faulty, none, cleanup };
  enum class Fetch : std::uint8_t { pop, keep };

  Path path = Path::per_task;
  Ttl ttl = Ttl::expire;
  Fetch fetch = Fetch::pop;
  int seconds = 60;      // that a response nobody fetched stays there
  Duration cut_every{};  // the connections that replies come over break so often; 0: never
  bool slow = false;     // one reply in a hundred takes its reader 20 ms
};

std::vector<StoreSetting> reply_settings();
ReplySettings reply_settings(StoreOptions const& options);

// One run in the list. `coordinator`: where its submitter waits.
struct Task {
  RunId run;
  int attempt = 1;
  int max_attempts = 3;
  int priority = 0;  // carried, not obeyed
  std::uint64_t coordinator = 0;
  std::string payload;
  TagSet required;  // not in the text: every tag set has a list
};

std::string encode(Task const& task);
std::optional<Task> decode_task(std::string_view text);

struct ReplyMessage {
  RunId run;
  Reply reply;
};

std::string encode(ReplyMessage const& message);
std::optional<ReplyMessage> decode_reply(std::string_view text);

}  // namespace assay::redis
