#include "reference_coordinator/claim_core/work_thread.hpp"

namespace assay {

WorkThread::WorkThread(Executor executor, std::size_t most_jobs, std::function<void(Jobs const&)> do_group)
    : executor_{executor},
      most_jobs_{most_jobs},
      do_group_{std::move(do_group)},
      books_{std::make_shared<Books>(executor)},
      thread_{[this] { work_through_the_queue(); }} {}

WorkThread::~WorkThread() {
  {
    std::lock_guard const lock{mutex_};
    stopping_ = true;
  }
  come_.notify_one();
  thread_.join();
}

void WorkThread::enter(std::shared_ptr<Job> job) {
  ++books_->pending;
  {
    std::lock_guard const lock{mutex_};
    queue_.push_back(std::move(job));
  }
  come_.notify_one();
}

Awaitable<void> WorkThread::drained() {
  while (books_->pending > 0) co_await books_->idle.wait_until();
}

void WorkThread::work_through_the_queue() {
  for (;;) {
    Jobs jobs;
    {
      std::unique_lock lock{mutex_};
      come_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && jobs.size() < most_jobs_) {
        jobs.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    do_group_(jobs);
    for (auto const& job : jobs) job->work = nullptr;
    asio::post(executor_, [books = books_, jobs = std::move(jobs)] { answer(*books, jobs); });
  }
}

void WorkThread::answer(Books& books, Jobs const& jobs) {
  books.pending -= jobs.size();
  for (auto const& job : jobs) {
    job->done = true;
    job->answered.notify();
  }
  if (books.pending == 0) books.idle.notify();
}

}  // namespace assay
