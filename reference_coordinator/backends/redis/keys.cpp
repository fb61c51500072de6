#include "reference_coordinator/backends/redis/keys.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <charconv>

namespace assay::redis {

namespace {

constexpr char separator = '|';
constexpr std::size_t id_length = 36;

template <class Number>
bool take_number(std::string_view& text, Number& number) {
  auto const end = text.find(separator);
  if (end == std::string_view::npos) return false;
  auto const [stop, error] = std::from_chars(text.data(), text.data() + end, number);
  bool const whole = error == std::errc{} && stop == text.data() + end;
  text.remove_prefix(end + 1);
  return whole;
}

std::optional<RunId> take_id(std::string_view& text) {
  auto const id = parse_run_id(text.substr(0, id_length));
  text.remove_prefix(std::min(text.size(), id_length));
  return id;
}

}  // namespace

std::string tasks_key(TagSet const& required) { return "assay:tasks:" + required.key(); }
std::string response_key(RunId const& run) { return "assay:response:" + to_string(run); }
std::string replies_key(std::uint64_t coordinator) { return fmt::format("assay:replies:{}", coordinator); }

std::vector<StoreSetting> reply_settings() {
  return {
      {"replies",
       {"per_task", "pubsub", "shared_queue"},
       "how results get back to who waits: a list per run, a channel or a list per coordinator"},
      {"reply_ttl",
       {"expire", "faulty", "none", "cleanup"},
       "of a run's list: LPUSH and EXPIRE in one MULTI; LPUSH key result EX 60; none; none, and a job that removes"},
      {"reply_fetch",
       {"pop", "keep"},
       "of a run's list: BRPOP; BLMOVE onto itself, and UNLINK when it has arrived, so that no broken connection "
       "loses it"},
      {"reply_seconds", {"60", "5", "1"}, "how long a result nobody fetched stays"},
      {"cut_replies", {"never", "5s", "2s"}, "break the connections that replies come over so often, for 200 ms"},
      {"slow_replies", {"none", "some"}, "some: one reply in a hundred takes its reader 20 ms"}};
}

ReplySettings reply_settings(StoreOptions const& options) {
  ReplySettings settings;
  std::string const path = options.setting("replies", "per_task"), ttl = options.setting("reply_ttl", "expire");
  settings.path = path == "pubsub"         ? ReplySettings::Path::pubsub
                  : path == "shared_queue" ? ReplySettings::Path::shared_queue
                                           : ReplySettings::Path::per_task;
  settings.ttl = ttl == "faulty"    ? ReplySettings::Ttl::faulty
                 : ttl == "none"    ? ReplySettings::Ttl::none
                 : ttl == "cleanup" ? ReplySettings::Ttl::cleanup
                                    : ReplySettings::Ttl::expire;
  bool const keep = options.setting("reply_fetch", "pop") == "keep";
  settings.fetch = keep ? ReplySettings::Fetch::keep : ReplySettings::Fetch::pop;
  settings.seconds = std::stoi(options.setting("reply_seconds", "60"));
  settings.cut_every = parse_duration(options.setting("cut_replies", "never")).value_or(Duration{});
  settings.slow = options.setting("slow_replies", "none") == "some";
  return settings;
}

std::string encode(Task const& task) {
  return fmt::format("{}|{}|{}|{}|{}|{}", to_string(task.run), task.attempt, task.max_attempts, task.priority,
                     task.coordinator, task.payload);
}

std::optional<Task> decode_task(std::string_view text) {
  Task task;
  auto const id = take_id(text);
  if (!id || text.empty() || text.front() != separator) return std::nullopt;
  text.remove_prefix(1);
  task.run = *id;
  bool const whole = take_number(text, task.attempt) && take_number(text, task.max_attempts) &&
                     take_number(text, task.priority) && take_number(text, task.coordinator);
  if (!whole) return std::nullopt;
  task.payload = text;
  return task;
}

std::string encode(ReplyMessage const& message) {
  return to_string(message.run) + (message.reply.state == RunState::completed ? 'c' : 'd') + message.reply.result;
}

std::optional<ReplyMessage> decode_reply(std::string_view text) {
  auto const id = take_id(text);
  if (!id || text.empty() || (text.front() != 'c' && text.front() != 'd')) return std::nullopt;
  ReplyMessage message{*id, {}};
  message.reply.state = text.front() == 'c' ? RunState::completed : RunState::dead;
  message.reply.result = text.substr(1);
  return message;
}

}  // namespace assay::redis
