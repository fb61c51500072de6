// Ctrl-C and SIGTERM as something that can be asked for and waited on. One per program; it lives as long as the event
// loop it uses. The first signal asks everything to stop and keep what was measured; the second one ends the program
// the hard way (children die with it, see ChildProcess).
#pragma once

#include "harness/base/async.hpp"

#include <functional>
#include <utility>

namespace assay {

class Interruption {
 public:
  explicit Interruption(asio::io_context& context) : context_{context}, signals_{context, SIGINT, SIGTERM} { listen(); }

  int signal() const { return signal_; }  // 0, SIGINT or SIGTERM

  // The same, and first picks up a signal that came while something blocked. Not from within the event loop.
  int poll() {
    if (signal_ == 0) {
      context_.restart();
      context_.poll();
    }
    return signal_;
  }

  // Called once, on the event loop, when the signal comes. Replaces the previous one; pass {} to remove it.
  void on_signal(std::function<void()> action) { action_ = std::move(action); }

 private:
  void listen() {
    signals_.async_wait([this](boost::system::error_code error, int number) {
      if (error) return;
      signal_ = number;
      signals_.clear();  // the second one kills
      if (action_) action_();
    });
  }

  asio::io_context& context_;
  asio::signal_set signals_;
  std::function<void()> action_;
  int signal_ = 0;
};

}  // namespace assay
