#include "reference_coordinator/backends/file/worker.hpp"

namespace assay::file {

Worker::Worker(Executor executor, std::unique_ptr<FileQueue> queue)
    : executor_{executor}, queue_{std::move(queue)}, books_{std::make_shared<Books>(executor)}, thread_{[this] {
        work_through_the_queue();
      }} {}

Worker::~Worker() {
  {
    std::lock_guard const lock{mutex_};
    stopping_ = true;
  }
  come_.notify_one();
  thread_.join();
}

void Worker::enter(std::shared_ptr<Job> job) {
  ++books_->pending;
  {
    std::lock_guard const lock{mutex_};
    waiting_.push_back(std::move(job));
  }
  come_.notify_one();
}

Awaitable<void> Worker::drained() {
  while (books_->pending > 0) co_await books_->idle.wait_until();
}

void Worker::work_through_the_queue() {
  for (;;) {
    Jobs jobs;
    {
      std::unique_lock lock{mutex_};
      come_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      jobs.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
      waiting_.clear();
    }
    do_all(jobs);
    asio::post(executor_, [books = books_, counters = queue_->counters(), jobs = std::move(jobs)] {
      books->counters = counters;
      answer(*books, jobs);
    });
  }
}

void Worker::do_all(Jobs const& jobs) {
  bool reports = false;
  for (auto const& job : jobs) {
    try {
      job->work(*queue_);
      reports = reports || job->reports;
    } catch (Trouble const& trouble) {
      job->error = to_error(trouble);
    }
    job->work = nullptr;
  }
  if (!reports) return;
  try {
    queue_->sync();
  } catch (Trouble& trouble) {
    trouble.in_doubt = true;
    for (auto const& job : jobs) {
      if (job->reports && !job->error) job->error = to_error(trouble);
    }
  }
}

void Worker::answer(Books& books, Jobs const& jobs) {
  books.pending -= jobs.size();
  for (auto const& job : jobs) {
    job->done = true;
    job->answered.notify();
  }
  if (books.pending == 0) books.idle.notify();
}

}  // namespace assay::file
