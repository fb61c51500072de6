#include "reference_coordinator/backends/sqlite/writer.hpp"

namespace assay::sqlite {

namespace {

// Calls in one transaction. More would share its sync with nobody who needs it, and make the first of them wait.
constexpr std::size_t most_jobs = 1000;

}  // namespace

Writer::Writer(Executor executor, std::unique_ptr<RunFile> file)
    : executor_{executor}, file_{std::move(file)}, books_{std::make_shared<Books>(executor)}, thread_{[this] {
        work_through_the_queue();
      }} {}

Writer::~Writer() {
  {
    std::lock_guard const lock{mutex_};
    stopping_ = true;
  }
  come_.notify_one();
  thread_.join();
}

void Writer::enter(std::shared_ptr<Job> job) {
  ++books_->pending;
  {
    std::lock_guard const lock{mutex_};
    queue_.push_back(std::move(job));
  }
  come_.notify_one();
}

Awaitable<void> Writer::drained() {
  while (books_->pending > 0) co_await books_->idle.wait_until();
}

void Writer::work_through_the_queue() {
  for (;;) {
    Jobs jobs;
    {
      std::unique_lock lock{mutex_};
      come_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && jobs.size() < most_jobs) {
        jobs.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    std::optional<Error> const error = transact(jobs);
    for (auto const& job : jobs) {
      job->error = error;
      job->work = nullptr;
    }
    asio::post(executor_, [books = books_, jobs = std::move(jobs)] { answer(*books, jobs); });
  }
}

std::optional<Error> Writer::transact(Jobs const& jobs) {
  bool committing = false;
  try {
    file_->begin();
    for (auto const& job : jobs) job->work(*file_);
    committing = true;
    file_->commit();
    return std::nullopt;
  } catch (Trouble const& trouble) {
    file_->roll_back();
    return to_error(trouble, committing);
  }
}

void Writer::answer(Books& books, Jobs const& jobs) {
  books.pending -= jobs.size();
  for (auto const& job : jobs) {
    job->done = true;
    job->answered.notify();
  }
  if (books.pending == 0) books.idle.notify();
}

}  // namespace assay::sqlite
