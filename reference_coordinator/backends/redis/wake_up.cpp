#include "reference_coordinator/backends/redis/wake_up.hpp"

namespace assay::redis {

namespace {

constexpr std::string_view channel = "assay:wake";
constexpr Duration shortest_interval = milliseconds{10};  // between announcements

// Its coroutine keeps it alive: whoever opened it may drop it without close().
class Announcements : public std::enable_shared_from_this<Announcements> {
 public:
  Announcements(Executor executor, std::shared_ptr<Link> commands)
      : executor_{executor}, commands_{std::move(commands)}, ended_{executor} {}

  Awaitable<std::optional<Error>> subscribe(Address address) {
    Link::Options options;
    options.address = std::move(address);
    options.greeting.add({"SUBSCRIBE", channel});
    options.pushed = [this](Value message) {
      if (message.items.size() == 3 && message.items[0].text == "message") hear();
    };
    options.connected = [this] { hear(); };
    auto const opened = co_await Link::open(executor_, std::move(options));
    if (!opened) co_return opened.error();
    subscription_ = *opened;
    co_return std::nullopt;
  }

  void listen(std::function<void()> heard) { heard_ = std::move(heard); }

  void announce() {
    wanted_ = true;
    if (std::exchange(announcing_, true) || closing_) return;
    ++running_;
    asio::co_spawn(executor_, publish(), [self = shared_from_this()](std::exception_ptr) {
      --self->running_;
      self->ended_.notify();
    });
  }

  void stop() {
    closing_ = true;
    heard_ = nullptr;
    if (subscription_) subscription_->close();
  }

  Awaitable<void> until_ended() {
    while (running_ > 0) co_await ended_.wait_until();
  }

 private:
  void hear() {
    if (heard_) heard_();
  }

  Awaitable<void> publish() {
    while (std::exchange(wanted_, false) && !closing_) {  // again: what came meanwhile is in no announcement yet
      Commands commands;
      commands.add({"PUBLISH", channel, ""});
      auto const told = co_await commands_->run(std::move(commands));
      static_cast<void>(told);  // a hint: the others sweep
      co_await sleep_until(std::chrono::steady_clock::now() + shortest_interval);
    }
    announcing_ = false;
  }

  Executor executor_;
  std::shared_ptr<Link> commands_;
  std::shared_ptr<Link> subscription_;
  std::function<void()> heard_;
  Signal ended_;
  std::size_t running_ = 0;
  bool wanted_ = false, announcing_ = false;
  bool closing_ = false;
};

class Handle final : public WakeUp {
 public:
  explicit Handle(std::shared_ptr<Announcements> announcements) : announcements_{std::move(announcements)} {}
  ~Handle() override { announcements_->stop(); }

  void listen(std::function<void()> heard) override { announcements_->listen(std::move(heard)); }
  void announce() override { announcements_->announce(); }
  Awaitable<void> close() override {
    announcements_->stop();
    co_await announcements_->until_ended();
  }

 private:
  std::shared_ptr<Announcements> announcements_;
};

}  // namespace

Awaitable<Result<std::unique_ptr<WakeUp>>> open_wake_up(Executor executor, Address address,
                                                        std::shared_ptr<Link> commands) {
  auto announcements = std::make_shared<Announcements>(executor, std::move(commands));
  auto const error = co_await announcements->subscribe(std::move(address));
  if (error) co_return *error;
  co_return std::make_unique<Handle>(std::move(announcements));
}

}  // namespace assay::redis
