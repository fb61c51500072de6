// This program has no timerfd, as kernels before 2.6.25 had none. Asio then looks for due timers in every turn of its
// loop and asks how long it may wait only when it has nothing else to do: what SimulatedTime needs. It also saves two
// system calls per simulated event.
#include <sys/timerfd.h>

#include <cerrno>

extern "C" int timerfd_create(clockid_t, int) noexcept {
  errno = ENOSYS;
  return -1;
}
