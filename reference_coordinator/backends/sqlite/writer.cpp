#include "reference_coordinator/backends/sqlite/writer.hpp"

namespace assay::sqlite {

namespace {

// Calls in one transaction. More would share its sync with nobody who needs it, and make the first of them wait.
constexpr std::size_t most_jobs = 1000;

}  // namespace

Writer::Writer(Executor executor, std::unique_ptr<RunFile> file)
    : file_{std::move(file)}, thread_{executor, most_jobs, [this](auto const& jobs) { transact(jobs); }} {}

void Writer::transact(WorkThread::Jobs const& jobs) {
  bool committing = false;
  try {
    file_->begin();
    for (auto const& job : jobs) job->work();
    committing = true;
    file_->commit();
  } catch (Trouble const& trouble) {
    file_->roll_back();
    for (auto const& job : jobs) job->error = to_error(trouble, committing);
  }
}

}  // namespace assay::sqlite
