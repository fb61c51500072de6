// The thread that owns the file. Calls queue up here; the thread takes all that have come, runs them in one
// transaction, commits once, and posts the answers to the event loop: so a batch grows by itself while the disk is busy
// with the last one, and the event loop never waits for a disk. Used by the SQLite store for every verb, reads
// included. Easy to get wrong: an answer is told only after its commit, and an error of one call is the answer to its
// whole transaction.
#pragma once

#include "harness/base/async.hpp"
#include "reference_coordinator/backends/sqlite/run_file.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace assay::sqlite {

class Writer {
 public:
  Writer(Executor executor, std::unique_ptr<RunFile> file);
  ~Writer();  // after what is queued has been done
  Writer(Writer const&) = delete;
  Writer& operator=(Writer const&) = delete;

  // On the event loop. `work` runs on the writer's thread: it must own what it uses, or outlive the answer.
  template <class T>
  Awaitable<Result<T>> run(std::function<T(RunFile&)> work) {
    auto const answer = std::make_shared<std::optional<T>>();
    auto const job = std::make_shared<Job>(executor_);
    job->work = [answer, work = std::move(work)](RunFile& file) { answer->emplace(work(file)); };
    enter(job);
    while (!job->done) co_await job->answered.wait_until();
    if (job->error) co_return *std::move(job->error);
    co_return *std::move(*answer);
  }

  std::size_t pending() const { return books_->pending; }  // calls that are not answered
  Awaitable<void> drained();

 private:
  struct Job {
    explicit Job(Executor executor) : answered{executor} {}
    std::function<void(RunFile&)> work;
    std::optional<Error> error;
    bool done = false;  // set on the event loop
    Signal answered;
  };
  using Jobs = std::vector<std::shared_ptr<Job>>;
  struct Books {  // the event loop's; shared, because the last answers may be delivered after we are gone
    explicit Books(Executor executor) : idle{executor} {}
    std::size_t pending = 0;
    Signal idle;
  };

  void enter(std::shared_ptr<Job> job);
  void work_through_the_queue();
  std::optional<Error> transact(Jobs const& jobs);
  static void answer(Books& books, Jobs const& jobs);

  Executor executor_;
  std::unique_ptr<RunFile> file_;  // the thread's
  std::shared_ptr<Books> books_;
  std::mutex mutex_;
  std::condition_variable come_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::sqlite
