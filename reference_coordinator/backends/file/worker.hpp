// The thread that works on the folder: it does all calls that have come and then forces to the disk what was reported,
// once for all of them. Used by the store for every verb. Easy to get wrong: a sync that fails leaves every report of
// its group in doubt.
#pragma once

#include "reference_coordinator/backends/file/file_queue.hpp"
#include "reference_coordinator/claim_core/work_thread.hpp"

namespace assay::file {

class Worker {
 public:
  Worker(Executor executor, std::unique_ptr<FileQueue> queue);

  // On the event loop. `work` runs on the worker's thread: it must own what it uses. `reports`: its answer needs a
  // sync.
  template <class T>
  Awaitable<Result<T>> run(std::function<T(FileQueue&)> work, bool reports) {
    return thread_.run<T>([this, work = std::move(work)] { return work(*queue_); }, reports);
  }

  StoreCounters counters() const;
  std::size_t pending() const { return thread_.pending(); }
  Awaitable<void> drained() { return thread_.drained(); }

 private:
  void do_group(WorkThread::Jobs const& jobs);

  std::unique_ptr<FileQueue> queue_;  // the thread's
  mutable std::mutex counters_mutex_;
  StoreCounters counters_;  // as of the last group
  WorkThread thread_;       // joined before the others go
};

}  // namespace assay::file
