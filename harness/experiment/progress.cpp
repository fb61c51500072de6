#include "harness/experiment/progress.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace assay {

namespace {

std::size_t columns_of(std::FILE* stream) {
  winsize size{};
  return ::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// Cuts to `columns` characters; UTF-8 continuation bytes take no room.
std::string cut(std::string_view text, std::size_t columns) {
  std::size_t shown = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U && ++shown > columns)
      return std::string{text.substr(0, i)};
  }
  return std::string{text};
}

std::string clock_text(Duration d) {
  auto const s = std::max<std::int64_t>(0, std::chrono::round<seconds>(d).count());
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

Progress::Progress(std::FILE* stream) : stream_{stream}, terminal_{::isatty(::fileno(stream)) == 1} {
  char const* const no_colour = std::getenv("NO_COLOR");
  colour_ = terminal_ && (no_colour == nullptr || *no_colour == '\0');
}

void Progress::erase() {
  if (std::exchange(drawn_, false)) fmt::print(stream_, "\r\033[2K");
}

void Progress::draw(std::string const& line) {
  fmt::print(stream_, "\r\033[2K{}", cut(line, columns_of(stream_) - 1));
  std::fflush(stream_);
  drawn_ = true;
}

void Progress::note(std::string_view line) {
  erase();
  fmt::print(stream_, "{}\n", line);
  std::fflush(stream_);
}

void Progress::begin_trial(std::size_t number, std::size_t of, std::string label) {
  head_ = fmt::format("{}/{} {}", number, of, label);
  last_line_ = {};
}

void Progress::update(ProgressState const& state, TimePoint now) {
  if (!terminal_ && last_line_ != TimePoint{} && now - last_line_ < seconds{10}) return;
  last_line_ = now;
  std::string const latency = state.claim_p99.count() == 0
                                  ? std::string{"–"}
                                  : fmt::format("{} / {}", humanize(state.claim_p50), humanize(state.claim_p99));
  std::string const line = fmt::format(
      "{} · {} · parked {}/{} · {:.0f}/{:.0f} runs/s · claim p50/p99 {} · backlog {:.0f} · {} left ({} in all)", head_,
      state.phase, state.parked, state.runners, state.accepted_per_s, state.offered_per_s, latency, state.backlog,
      clock_text(state.trial_left), clock_text(state.left));
  if (terminal_) {
    draw(line);
  } else {
    fmt::print(stream_, "{}\n", line);
    std::fflush(stream_);
  }
}

void Progress::end_trial(std::string_view result) {
  erase();
  fmt::print(stream_, "{} · {}{}{}\n", head_, colour_ ? "\033[1m" : "", result, colour_ ? "\033[0m" : "");
  std::fflush(stream_);
}

}  // namespace assay
