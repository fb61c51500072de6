#include "tests/simulation/simulated_network.hpp"

#include <stdexcept>

namespace assay::simulation {

namespace {

Request parsed(std::string_view text) {
  Request request;
  RequestParser parser{request};
  boost::system::error_code error;
  parser.put(asio::buffer(text), error);
  if (error || !parser.is_done()) throw std::logic_error{"the fleet sent what is no whole request"};
  return request;
}

}  // namespace

// One request from the moment it is sent, shared by both ends.
class SimulatedNetwork::Call final : public Peer {
 public:
  enum class End : std::uint8_t { open, answered, cut, refused, left };  // as the client sees it

  Call(std::uint64_t number_of_call, std::size_t to, Executor executor, Request sent)
      : number{number_of_call}, seat{to}, request{std::move(sent)}, wake{executor} {}

  void watch(std::function<void()> gone) override { tell_gone = std::move(gone); }
  void unwatch() override { tell_gone = nullptr; }

  void finish(End how) {
    if (end != End::open) return;
    end = how;
    wake.notify();
  }

  std::uint64_t number;
  std::size_t seat;
  Request request;
  Signal wake;  // of the client
  End end = End::open;
  int status = 0;
  std::string body;
  CoordinatorLife* life = nullptr;  // that works on it
  std::function<void()> tell_gone;
  bool seen_gone = false;  // the coordinator knows that the client isn't there any more
};

class SimulatedNetwork::SimulatedChannel final : public Channel {
 public:
  SimulatedChannel(SimulatedNetwork& network, std::size_t seat) : network_{network}, seat_{seat} {}

  Awaitable<boost::system::error_code> open(Duration) override {
    boost::system::error_code error;
    if (abandoned_) error = asio::error::operation_aborted;
    if (network_.lives_[seat_] == nullptr) error = asio::error::connection_refused;
    co_return error;
  }

  Awaitable<Exchange> exchange(std::string_view text, Duration timeout) override {
    Exchange result;
    result.started = network_.clock.now();
    call_ = std::make_shared<Call>(++network_.last_call_, seat_, network_.executor, parsed(text));
    if (abandoned_) {
      call_->finish(Call::End::left);
    } else {
      network_.carry(call_);
    }
    co_await call_->wake.wait_until(result.started + timeout);
    result.finished = network_.clock.now();
    switch (call_->end) {
      case Call::End::answered:
        body_ = std::move(call_->body);
        result.status = call_->status;
        result.body = body_;
        result.fate = fate_of_answer(result.status, result.body);
        break;
      case Call::End::open:
        result.fate = Fate::timed_out;
        call_->finish(Call::End::left);
        network_.peer_left(call_);
        break;
      case Call::End::cut: result.fate = Fate::in_doubt; break;
      case Call::End::refused: result.fate = Fate::unavailable; break;
      case Call::End::left: result.fate = Fate::abandoned; break;
    }
    call_.reset();
    co_return result;
  }

  void abandon() override {
    abandoned_ = true;
    if (call_ == nullptr || call_->end != Call::End::open) return;
    call_->finish(Call::End::left);
    network_.peer_left(call_);
  }

 private:
  SimulatedNetwork& network_;
  std::size_t seat_;
  std::shared_ptr<Call> call_;
  std::string body_;
  bool abandoned_ = false;
};

std::unique_ptr<Channel> SimulatedNetwork::make_channel(std::size_t place) {
  ++connections_opened;
  return std::make_unique<SimulatedChannel>(*this, place % lives_.size());
}

void SimulatedNetwork::carry(std::shared_ptr<Call> call) {
  under_way_.emplace(call->number, call);
  bool const cut = faults_.troubled.contains(clock.now()) && random_.uniform() < faults_.cut;
  if (cut) tasks_.spawn(cut_later(call, draw(faults_.cut_within)));
  tasks_.spawn(serve(std::move(call)));
}

bool SimulatedNetwork::silent(std::string const& token) const {
  for (auto const& silence : faults_.silences) {
    if (silence.token == token && silence.from <= clock.now() && clock.now() < silence.until) return true;
  }
  return false;
}

Awaitable<void> SimulatedNetwork::serve(std::shared_ptr<Call> call) {
  bool const sent = !silent(call->request.token);
  CoordinatorLife* const dialled = lives_[call->seat];
  bool const listening = dialled != nullptr && dialled->serves();
  Duration way = draw(faults_.usual_delay);
  bool const late = call->request.target == "/runner/heartbeat" && faults_.troubled.contains(clock.now()) &&
                    random_.uniform() < faults_.late_heartbeat;
  if (late) way += from_seconds(2 * to_seconds(faults_.lateness) * random_.uniform());
  co_await sleep_until(clock.now() + way);

  CoordinatorLife* life = lives_[call->seat];
  if (life != nullptr && !life->serves()) life = nullptr;
  // A request whose sender has left meanwhile may have been on its way or not.
  bool const on_its_way = call->end == Call::End::open || random_.below(2) == 0;
  bool const arrives = sent && on_its_way && !silent(call->request.token);
  if (arrives && life == nullptr) call->finish(listening ? Call::End::cut : Call::End::refused);
  if (arrives && life != nullptr) {
    call->life = life;
    ++life->requests_in_progress;
    Response response = co_await life->api().handle(call->request, *call);
    if (life->killed()) {
      // Its connections were reset when it died.
    } else if (call->seen_gone) {
      if (!response.claims.empty()) life->api().undelivered(std::move(response));
    } else {
      life->api().delivered(response, *call);
      co_await sleep_until(clock.now() + draw(faults_.usual_delay));
      bool const lost = faults_.lost_runs > 0 && !response.claims.empty() && faults_.troubled.contains(clock.now()) &&
                        random_.uniform() < faults_.lost_runs;
      if (lost) call->finish(Call::End::cut);
      if (call->end == Call::End::open && !silent(call->request.token)) {
        call->status = static_cast<int>(response.status);
        call->body = std::move(response.body);
        call->finish(Call::End::answered);
      }
    }
    --life->requests_in_progress;
    life->request_ended.notify();
  }
  under_way_.erase(call->number);
}

Awaitable<void> SimulatedNetwork::cut_later(std::shared_ptr<Call> call, Duration after) {
  co_await sleep_until(clock.now() + after);
  if (call->end != Call::End::open) co_return;
  call->finish(Call::End::cut);
  co_await notice_later(call);
}

void SimulatedNetwork::peer_left(std::shared_ptr<Call> call) { tasks_.spawn(notice_later(std::move(call))); }

// A silent peer's end is not seen: it sent nothing that could tell.
Awaitable<void> SimulatedNetwork::notice_later(std::shared_ptr<Call> call) {
  if (silent(call->request.token)) co_return;
  co_await sleep_until(clock.now() + draw(faults_.notice));
  call->seen_gone = true;
  if (call->tell_gone) call->tell_gone();
}

void SimulatedNetwork::cut_all(CoordinatorLife const& life) {
  for (auto const& [number, call] : under_way_) {
    if (call->life == &life) call->finish(Call::End::cut);
  }
}

}  // namespace assay::simulation
