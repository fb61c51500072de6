// The thread that owns the file: it runs all calls that have come in one transaction and commits once. Used by the
// SQLite store for every verb, reads included. Easy to get wrong: an error of one call is the answer to its whole
// transaction.
#pragma once

#include "reference_coordinator/backends/sqlite/run_file.hpp"
#include "reference_coordinator/claim_core/work_thread.hpp"

namespace assay::sqlite {

class Writer {
 public:
  Writer(Executor executor, std::unique_ptr<RunFile> file);

  // On the event loop. `work` runs on the writer's thread: it must own what it uses, or outlive the answer.
  template <class T>
  Awaitable<Result<T>> run(std::function<T(RunFile&)> work) {
    return thread_.run<T>([this, work = std::move(work)] { return work(*file_); }, true);
  }

  std::size_t pending() const { return thread_.pending(); }
  Awaitable<void> drained() { return thread_.drained(); }

 private:
  void transact(WorkThread::Jobs const& jobs);

  std::unique_ptr<RunFile> file_;  // the thread's
  WorkThread thread_;              // joined before the file goes
};

}  // namespace assay::sqlite
