// Batches that grow by themselves. Requests go out at once while fewer than `max_in_flight` batches are out; otherwise
// they collect until one returns. So a lone request waits for nobody, and under load a batch is as large as one round
// trip makes it. Each verb of the postgres-batch store has one. Easy to get wrong: the flush must answer every request
// of its batch.
#pragma once

#include "harness/base/async.hpp"

#include <cassert>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace assay::postgres {

template <class Request, class Answer>
class Batcher {
 public:
  // Answers in the order of the requests; an error is the answer to each of them.
  using Flush = std::function<Awaitable<Result<std::vector<Answer>>>(std::vector<Request>)>;
  using Weigh = std::size_t (*)(Request const&);

  // A batch weighs at most `max_weight`, or is one request.
  Batcher(Executor executor, Weigh weigh, std::size_t max_weight, std::size_t max_in_flight, Flush flush)
      : executor_{executor},
        weigh_{weigh},
        max_weight_{max_weight},
        max_in_flight_{max_in_flight},
        flush_{std::move(flush)},
        idle_{executor} {}

  Awaitable<Result<Answer>> ask(Request request) {
    auto const ticket = std::make_shared<Ticket>(executor_, std::move(request));
    queue_.push_back(ticket);
    if (in_flight_ < max_in_flight_) {
      ++in_flight_;
      asio::co_spawn(executor_, serve(), [](std::exception_ptr bug) {
        if (bug) std::rethrow_exception(bug);
      });
    }
    while (!ticket->answer) co_await ticket->answered.wait_until();
    co_return *std::move(ticket->answer);
  }

  std::size_t pending() const { return queue_.size() + in_flight_; }

  Awaitable<void> drained() {
    while (in_flight_ > 0) co_await idle_.wait_until();
  }

 private:
  struct Ticket {
    Ticket(Executor executor, Request r) : request{std::move(r)}, answered{executor} {}
    Request request;
    Signal answered;
    std::optional<Result<Answer>> answer;
  };

  Awaitable<void> serve() {
    co_await asio::post(executor_, use_awaitable);  // whatever else this turn of the event loop brings comes along
    while (!queue_.empty()) {
      std::vector<std::shared_ptr<Ticket>> const tickets = take();
      std::vector<Request> requests;
      requests.reserve(tickets.size());
      for (auto const& ticket : tickets) requests.push_back(std::move(ticket->request));
      Result<std::vector<Answer>> answers = co_await flush_(std::move(requests));
      assert(!answers || answers->size() == tickets.size());
      for (std::size_t i = 0; i < tickets.size(); ++i) {
        if (answers) {
          tickets[i]->answer.emplace(std::move((*answers)[i]));
        } else {
          tickets[i]->answer.emplace(answers.error());
        }
        tickets[i]->answered.notify();
      }
    }
    if (--in_flight_ == 0) idle_.notify();
  }

  std::vector<std::shared_ptr<Ticket>> take() {
    std::vector<std::shared_ptr<Ticket>> taken;
    std::size_t weight = 0;
    while (!queue_.empty()) {
      weight += weigh_(queue_.front()->request);
      if (!taken.empty() && weight > max_weight_) break;
      taken.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    return taken;
  }

  Executor executor_;
  Weigh weigh_;
  std::size_t max_weight_;
  std::size_t max_in_flight_;
  Flush flush_;
  std::deque<std::shared_ptr<Ticket>> queue_;
  std::size_t in_flight_ = 0;
  Signal idle_;
};

}  // namespace assay::postgres
