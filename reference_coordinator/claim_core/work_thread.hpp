// A thread for a store whose calls block. They queue up here; the thread takes all that have come and does them as one
// group, and the answers go back to the event loop: so a group grows by itself while the disk is busy with the last
// one, and the event loop never waits for it. Used by the file and the SQLite store. Easy to get wrong: an answer is
// told after its whole group, so that `do_group` can make what it did durable once, and fail what it could not.
#pragma once

#include "harness/base/async.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace assay {

class WorkThread {
 public:
  struct Job {
    explicit Job(Executor executor) : answered{executor} {}

    std::function<void()> work;
    bool reports = false;        // asks for durability
    std::optional<Error> error;  // do_group's to set; without one, `work` has been done

   private:
    friend class WorkThread;
    bool done = false;  // set on the event loop
    Signal answered;
  };
  using Jobs = std::vector<std::shared_ptr<Job>>;

  // `do_group` runs on the thread and is to do the work of at most `most_jobs` jobs; what it throws ends the program.
  WorkThread(Executor executor, std::size_t most_jobs, std::function<void(Jobs const&)> do_group);
  ~WorkThread();  // after what is queued has been done
  WorkThread(WorkThread const&) = delete;
  WorkThread& operator=(WorkThread const&) = delete;

  // On the event loop. `work` runs on the thread: it must own what it uses, or outlive the answer.
  template <class T>
  Awaitable<Result<T>> run(std::function<T()> work, bool reports) {
    auto const answer = std::make_shared<std::optional<T>>();
    auto const job = std::make_shared<Job>(executor_);
    job->work = [answer, work = std::move(work)] { answer->emplace(work()); };
    job->reports = reports;
    enter(job);
    while (!job->done) co_await job->answered.wait_until();
    if (job->error) co_return *std::move(job->error);
    co_return *std::move(*answer);
  }

  std::size_t pending() const { return books_->pending; }  // calls that are not answered
  Awaitable<void> drained();

 private:
  struct Books {  // the event loop's; shared, because the last answers may be delivered after we are gone
    explicit Books(Executor executor) : idle{executor} {}
    std::size_t pending = 0;
    Signal idle;
  };

  void enter(std::shared_ptr<Job> job);
  void work_through_the_queue();
  static void answer(Books& books, Jobs const& jobs);

  Executor executor_;
  std::size_t most_jobs_;
  std::function<void(Jobs const&)> do_group_;
  std::shared_ptr<Books> books_;
  std::mutex mutex_;
  std::condition_variable come_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace assay
