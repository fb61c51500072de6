#include "harness/base/reconnect_pause.hpp"

#include <algorithm>

namespace assay {

TimePoint ReconnectPause::next_try(TimePoint now) {
  if (connected_at_ && now - *connected_at_ >= lasting) pause_ = Duration{};
  connected_at_.reset();
  TimePoint const when = now + pause_ / 2 + from_seconds(to_seconds(pause_ / 2) * random_.uniform());
  pause_ = std::clamp<Duration>(pause_ * 2, first, longest);
  return when;
}

}  // namespace assay
