#include "simulated_runners/warm_pool.hpp"

namespace assay {

bool WarmPool::take(TimePoint now) {
  advance(now);
  if (ready_ == 0) return false;
  if (ready_ == size_) next_ready_ = now + refill_;
  --ready_;
  return true;
}

int WarmPool::ready(TimePoint now) {
  advance(now);
  return ready_;
}

void WarmPool::advance(TimePoint now) {
  while (ready_ < size_ && next_ready_ <= now) {
    ++ready_;
    next_ready_ += refill_;
  }
}

}  // namespace assay
