#include "reference_coordinator/backends/file/worker.hpp"

#include <limits>

namespace assay::file {

Worker::Worker(Executor executor, std::unique_ptr<FileQueue> queue)
    : queue_{std::move(queue)}, thread_{executor, std::numeric_limits<std::size_t>::max(), [this](auto const& jobs) {
                                          do_group(jobs);
                                        }} {}

StoreCounters Worker::counters() const {
  std::lock_guard const lock{counters_mutex_};
  return counters_;
}

void Worker::do_group(WorkThread::Jobs const& jobs) {
  bool reports = false;
  for (auto const& job : jobs) {
    try {
      job->work();
      reports = reports || job->reports;
    } catch (Trouble const& trouble) {
      job->error = to_error(trouble);
    }
  }
  if (reports) {
    try {
      queue_->sync();
    } catch (Trouble& trouble) {
      trouble.in_doubt = true;
      for (auto const& job : jobs) {
        if (job->reports && !job->error) job->error = to_error(trouble);
      }
    }
  }
  std::lock_guard const lock{counters_mutex_};
  counters_ = queue_->counters();
}

}  // namespace assay::file
