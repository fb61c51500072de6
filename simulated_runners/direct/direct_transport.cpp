#include "simulated_runners/direct/direct_transport.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace assay {

namespace {

void parse(std::string_view text, Request& request) {
  request.clear();
  RequestParser parser{request};
  boost::system::error_code error;
  parser.put(asio::buffer(text), error);
  if (error || !parser.is_done()) throw std::logic_error{"the fleet sent what is no whole request"};
}

}  // namespace

struct DirectTransport::Client {
  explicit Client(Executor executor) : requests{executor} {}
  std::unique_ptr<CoordinatorCore> core;  // once open
  TaskGroup requests;
};

// One request and its answer, shared by both ends: the one that asked may leave before there is an answer.
class DirectTransport::Call final : public Peer {
 public:
  explicit Call(Executor executor) : answered{executor} {}

  void watch(std::function<void()> gone) override { watched = std::move(gone); }
  void unwatch() override { watched = nullptr; }

  Request request;
  Response response;
  Signal answered;
  bool done = false;
  bool left = false;  // nobody waits for the answer
  std::function<void()> watched;
};

class DirectTransport::DirectChannel final : public Channel {
 public:
  DirectChannel(DirectTransport& transport, Client& client) : transport_{transport}, client_{client} {}

  Awaitable<boost::system::error_code> open(Duration) override {
    boost::system::error_code error;
    if (client_.core == nullptr) error = asio::error::not_connected;
    if (abandoned_) error = asio::error::operation_aborted;
    co_return error;
  }

  Awaitable<Exchange> exchange(std::string_view text, Duration timeout) override {
    Exchange result;
    result.started = transport_.clock.now();
    if (!abandoned_) {
      // The last one is taken again, with the identity it knows, unless its answer is still under way.
      if (call_ == nullptr || call_.use_count() > 1) call_ = std::make_shared<Call>(transport_.executor);
      call_->done = call_->left = false;
      parse(text, call_->request);
      asking_ = true;
      client_.requests.spawn(transport_.serve(call_, client_));
      TimePoint const deadline = result.started + timeout;
      while (!call_->done && !abandoned_ && transport_.clock.now() < deadline) {
        co_await call_->answered.wait_until(deadline);
      }
      asking_ = false;
    }
    result.finished = transport_.clock.now();
    if (abandoned_) {
      result.fate = Fate::abandoned;
      co_return result;
    }
    if (!call_->done) {
      leave();
      result.fate = Fate::timed_out;
      co_return result;
    }
    result.status = static_cast<int>(call_->response.status);
    result.body = call_->response.body;
    result.fate = fate_of_answer(result.status, result.body);
    co_return result;
  }

  void abandon() override {
    abandoned_ = true;
    if (!asking_ || call_->done) return;
    leave();
    call_->answered.notify();
  }

 private:
  void leave() {
    call_->left = true;
    if (auto const gone = call_->watched) gone();
  }

  DirectTransport& transport_;
  Client& client_;
  std::shared_ptr<Call> call_;
  bool asking_ = false;
  bool abandoned_ = false;
};

DirectTransport::DirectTransport(asio::io_context& context, Clock const& clock_to_use, DirectOptions options)
    : Transport{context.get_executor(), clock_to_use}, context_{context}, options_{std::move(options)} {}

DirectTransport::~DirectTransport() = default;

std::unique_ptr<Channel> DirectTransport::make_channel(std::size_t place) {
  if (options_.shared) place = 0;
  auto& client = clients_[place];
  if (!client) client = std::make_unique<Client>(executor);
  return std::make_unique<DirectChannel>(*this, *client);
}

std::unique_ptr<Channel> DirectTransport::make_shared_channel(std::size_t) { return make_channel(0); }

Awaitable<Result<void>> DirectTransport::open() {
  for (auto const& [place, client] : clients_) {
    auto opened = co_await open_one(place);
    if (!opened) co_return opened;
  }
  co_return Result<void>{};
}

Awaitable<Result<void>> DirectTransport::open_one(std::size_t place) {
  CoreOptions options = options_.core;
  options.ledger = options_.folder / fmt::format("client-{}-{:05}.csv", options_.thread, place);
  bool const first = options_.thread == 0 && place == clients_.begin()->first;
  options.store.temporary = options.store.temporary && first;
  auto opened = co_await CoordinatorCore::open(context_, clock, *options_.backend, *options_.identities, options);
  if (!opened) {
    co_return Error(opened.error().kind, fmt::format("{}: {}", options_.backend->name, opened.error().detail));
  }
  Client& client = *clients_.at(place);
  client.core = std::move(*opened);
  client.core->start();
  if (options_.facts != nullptr && place == clients_.begin()->first) *options_.facts = client.core->facts();
  co_return Result<void>{};
}

// The first client was opened first, and is closed last: it may be the one that removes what was made.
Awaitable<void> DirectTransport::close() {
  for (auto client = clients_.rbegin(); client != clients_.rend(); ++client) {
    CoordinatorCore* const core = client->second->core.get();
    if (core == nullptr) continue;
    co_await core->stop_matching();
    co_await client->second->requests.wait();
    bool const ledger_complete = co_await core->stop();
    if (!ledger_complete) throw Failure{ExitStatus::internal_error, "ledger: not all lines could be written"};
    client->second->core.reset();
  }
}

// How deep the store is, only the first client is asked: it is one store, and asking is work for it.
Awaitable<std::optional<protocol::CoordinatorStats>> DirectTransport::stats() {
  std::optional<protocol::CoordinatorStats> sum;
  for (auto const& [place, client] : clients_) {
    if (client->core == nullptr) co_return std::nullopt;
    auto one = co_await client->core->api().snapshot(!sum);
    if (sum) {
      sum->add(one);
    } else {
      sum = std::move(one);
    }
  }
  co_return sum;
}

Awaitable<void> DirectTransport::serve(std::shared_ptr<Call> call, Client& client) {
  Api& api = client.core->api();
  Response response = co_await api.handle(call->request, *call);
  if (call->left) {
    if (!response.claims.empty()) api.undelivered(std::move(response));
    co_return;
  }
  api.delivered(response, *call);
  call->response = std::move(response);
  call->done = true;
  call->answered.notify();
}

}  // namespace assay
