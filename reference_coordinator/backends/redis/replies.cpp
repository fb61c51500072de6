#include "reference_coordinator/backends/redis/replies.hpp"

#include "reference_coordinator/backends/redis/list_per_task.hpp"

namespace assay::redis {

namespace {

constexpr Duration outage = milliseconds{200};      // of a connection that is cut on purpose
constexpr Duration slow_reader = milliseconds{20};  // one reply in a hundred
constexpr Duration cleanup_interval = seconds{1};

TimePoint now() { return std::chrono::steady_clock::now(); }

// One reader handles what arrives, one after the other.
class Channel final : public Replies {
 public:
  Channel(Executor executor, Options options) : Replies{executor, std::move(options)}, arrived_{executor} {}

  Awaitable<std::optional<Error>> subscribe() {
    Link::Options link;
    link.address = options_.address;
    link.greeting.add({"SUBSCRIBE", replies_key(options_.coordinator)});
    link.pushed = [this](Value message) {
      bool const reply = message.items.size() == 3 && message.items[0].text == "message";
      if (!reply || closing_) return;
      texts_.push_back(std::move(message.items[2].text));
      arrived_.notify();
    };
    auto const opened = co_await new_link(std::move(link));
    if (!opened) co_return opened.error();
    spawn(read());
    co_return std::nullopt;
  }

 private:
  void wake_all() override { arrived_.notify(); }

  Awaitable<void> read() {
    while (!closing_) {
      if (texts_.empty()) {
        co_await arrived_.wait_until();
        continue;
      }
      std::string const text = std::move(texts_.front());
      texts_.pop_front();
      Duration const busy = deliver(text);
      if (busy > Duration::zero()) co_await sleep_until(now() + busy);
    }
  }

  std::deque<std::string> texts_;
  Signal arrived_;
};

// One reader takes what is there, in order.
class SharedQueue final : public Replies {
 public:
  SharedQueue(Executor executor, Options options) : Replies{executor, std::move(options)}, pause_{executor} {}

  Awaitable<std::optional<Error>> begin() {
    Link::Options link;
    link.address = options_.address;
    auto const opened = co_await new_link(std::move(link));
    if (!opened) co_return opened.error();
    spawn(read(*opened));
    co_return std::nullopt;
  }

 private:
  void wake_all() override { pause_.notify(); }

  Awaitable<void> read(std::shared_ptr<Link> link) {
    std::string const key = replies_key(options_.coordinator);
    while (!closing_) {
      Commands commands;  // the first one that comes, and then what piled up
      commands.add({"BRPOP", key, "5"});
      commands.add({"RPOP", key, "127"});
      auto const answers = co_await link->run(std::move(commands));
      if (!answers || first_error(*answers)) {
        co_await pause_.wait_until(now() + pause_after_error);
        continue;
      }
      std::vector<std::string> texts;
      if ((*answers)[0].items.size() == 2) texts.push_back((*answers)[0].items[1].text);
      for (auto const& item : (*answers)[1].items) texts.push_back(item.text);
      for (auto const& text : texts) {
        Duration const busy = deliver(text);
        if (busy > Duration::zero()) co_await sleep_until(now() + busy);
      }
    }
  }

  Signal pause_;
};

class Handle final : public ReplyPath {
 public:
  explicit Handle(std::shared_ptr<Replies> replies) : replies_{std::move(replies)} {}
  ~Handle() override { replies_->stop(); }

  void listen(std::function<void(RunId const&, Reply const&)> heard) override { replies_->listen(std::move(heard)); }
  void expect(RunId const& run, TimePoint deadline) override { replies_->expect(run, deadline); }
  void forget(RunId const& run) override { replies_->forget(run); }
  Awaitable<void> close() override {
    replies_->stop();
    co_await replies_->until_ended();
  }

 private:
  std::shared_ptr<Replies> replies_;
};

}  // namespace

Replies::Replies(Executor executor, Options options)
    : executor_{executor},
      options_{std::move(options)},
      stop_cutting_{executor},
      stop_cleaning_{executor},
      ended_{executor} {}

Awaitable<Result<std::unique_ptr<ReplyPath>>> Replies::open(Executor executor, Options options) {
  std::shared_ptr<Replies> replies;
  std::optional<Error> error;
  switch (options.settings.path) {
    case ReplySettings::Path::per_task: replies = std::make_shared<ListPerTask>(executor, std::move(options)); break;
    case ReplySettings::Path::pubsub: {
      auto const channel = std::make_shared<Channel>(executor, std::move(options));
      error = co_await channel->subscribe();
      replies = channel;
      break;
    }
    case ReplySettings::Path::shared_queue: {
      auto const queue = std::make_shared<SharedQueue>(executor, std::move(options));
      error = co_await queue->begin();
      replies = queue;
      break;
    }
  }
  if (error) {
    replies->stop();
    co_return *error;
  }
  replies->start();
  co_return std::make_unique<Handle>(std::move(replies));
}

void Replies::start() {
  if (options_.settings.cut_every > Duration::zero()) spawn(cut_now_and_then());
  bool const lists = options_.settings.path == ReplySettings::Path::per_task;
  if (lists && options_.settings.ttl == ReplySettings::Ttl::cleanup) spawn(clean_up_now_and_then());
}

void Replies::stop() {
  closing_ = true;
  heard_ = nullptr;
  stop_cutting_.notify();
  stop_cleaning_.notify();
  for (auto const& link : links_) link->close();
  wake_all();
}

Awaitable<void> Replies::until_ended() {
  while (running_ > 0) co_await ended_.wait_until();
}

void Replies::spawn(Awaitable<void> work) {
  ++running_;
  asio::co_spawn(executor_, std::move(work), [self = shared_from_this()](std::exception_ptr error) {
    --self->running_;
    self->ended_.notify();
    if (error) std::rethrow_exception(error);
  });
}

Duration Replies::deliver(std::string_view text) {
  auto const message = decode_reply(text);
  return message ? deliver(message->run, message->reply) : Duration::zero();
}

Duration Replies::deliver(RunId const& run, Reply const& reply) {
  auto& counts = *options_.counts;
  ++counts.heard;
  if (expected_.erase(run) == 0) ++counts.unwanted;
  if (heard_) heard_(run, reply);
  return options_.settings.slow && counts.heard % 100 == 0 ? slow_reader : Duration::zero();
}

Awaitable<Result<std::shared_ptr<Link>>> Replies::new_link(Link::Options options) {
  bool first = true;
  options.connected = [counts = options_.counts, first]() mutable {
    if (!std::exchange(first, false)) ++counts->reconnects;
  };
  auto const link = co_await Link::open(executor_, std::move(options));
  if (link) links_.push_back(*link);
  if (link && closing_) (*link)->close();
  co_return link;
}

Awaitable<void> Replies::cut_now_and_then() {
  while (!closing_) {
    co_await stop_cutting_.wait_until(now() + options_.settings.cut_every);
    if (closing_) co_return;
    for (auto const& link : links_) link->cut(outage);
  }
}

Awaitable<void> Replies::clean_up_now_and_then() {
  while (!closing_) {
    co_await stop_cleaning_.wait_until(now() + cleanup_interval);
    if (!closing_) co_await clean_up();
  }
}

// Results that nobody touched for as long as they may stay, a thousand keys at a time.
Awaitable<void> Replies::clean_up() {
  TimePoint const begun = now();
  auto& counts = *options_.counts;
  std::string cursor = "0";
  do {
    Commands scan;
    scan.add({"SCAN", cursor, "MATCH", every_response_key, "COUNT", "1000"});
    auto const page = co_await options_.commands->run(std::move(scan));
    if (!page || first_error(*page) || page->front().items.size() != 2) co_return;
    cursor = page->front().items[0].text;
    auto const& keys = page->front().items[1].items;
    Commands ages;
    for (auto const& key : keys) ages.add({"OBJECT", "IDLETIME", key.text});
    auto const idle = co_await options_.commands->run(std::move(ages));
    if (!idle) co_return;
    std::vector<std::string> words{"UNLINK"};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      bool const old = (*idle)[i].kind == Value::Kind::integer && (*idle)[i].integer >= options_.settings.seconds;
      if (old) words.push_back(keys[i].text);
    }
    if (words.size() == 1) continue;
    Commands removal;
    removal.add(words);
    auto const removed = co_await options_.commands->run(std::move(removal));
    if (!removed || first_error(*removed)) co_return;
    counts.cleaned += static_cast<std::uint64_t>(removed->front().integer);
  } while (cursor != "0" && !closing_);
  ++counts.cleanups;
  counts.cleanup_ms_max = std::max(counts.cleanup_ms_max, to_seconds(now() - begun) * 1e3);
}

}  // namespace assay::redis
