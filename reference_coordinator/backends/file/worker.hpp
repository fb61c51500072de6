// The thread that works on the folder. Calls queue up here; it does all that have come, forces to the disk what was
// reported, once for all of them, and posts the answers to the event loop: so a group grows by itself while the disk is
// busy with the last one. Used by the store for every verb. Easy to get wrong: an answer is told only after the sync of
// its group, whose failure leaves every report of it in doubt.
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/backends/file/file_queue.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace assay::file {

class Worker {
 public:
  Worker(Executor executor, std::unique_ptr<FileQueue> queue);
  ~Worker();  // after what is queued has been done
  Worker(Worker const&) = delete;
  Worker& operator=(Worker const&) = delete;

  // On the event loop. `work` runs on the worker's thread: it must own what it uses. `reports`: its answer needs a
  // sync.
  template <class T>
  Awaitable<Result<T>> run(std::function<T(FileQueue&)> work, bool reports) {
    auto const answer = std::make_shared<std::optional<T>>();
    auto const job = std::make_shared<Job>(executor_);
    job->work = [answer, work = std::move(work)](FileQueue& queue) { answer->emplace(work(queue)); };
    job->reports = reports;
    enter(job);
    while (!job->done) co_await job->answered.wait_until();
    if (job->error) co_return *std::move(job->error);
    co_return *std::move(*answer);
  }

  StoreCounters counters() const { return books_->counters; }
  std::size_t pending() const { return books_->pending; }  // calls that are not answered
  Awaitable<void> drained();

 private:
  struct Job {
    explicit Job(Executor executor) : answered{executor} {}
    std::function<void(FileQueue&)> work;
    std::optional<Error> error;
    bool reports = false;
    bool done = false;  // set on the event loop
    Signal answered;
  };
  using Jobs = std::vector<std::shared_ptr<Job>>;
  struct Books {  // the event loop's; shared, because the last answers may be delivered after we are gone
    explicit Books(Executor executor) : idle{executor} {}
    std::size_t pending = 0;
    StoreCounters counters;
    Signal idle;
  };

  void enter(std::shared_ptr<Job> job);
  void work_through_the_queue();
  void do_all(Jobs const& jobs);
  static void answer(Books& books, Jobs const& jobs);

  Executor executor_;
  std::unique_ptr<FileQueue> queue_;  // the thread's
  std::shared_ptr<Books> books_;
  std::mutex mutex_;
  std::condition_variable come_;
  std::deque<std::shared_ptr<Job>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::file
