// How operating failures travel: as values (Result<T>) on the data path, thrown as Failure during set-up. Few kinds,
// each of which leads to a different action of the caller. Expected outcomes ("no run", "stale token") are not errors:
// they are in the return types. A bug asserts.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace assay {

enum class ErrorKind {
  unavailable,     // not reached, nothing was sent: trying again later is safe
  timed_out,       // no answer in time; whether it happened is unknown only if something had been sent (see in_doubt)
  in_doubt,        // cut off after sending: it may have happened. Ask again by id or token; never guess
  rejected,        // the other side understood and refused
  misconfigured,   // somebody has to change a setting; trying again is useless
  broken_protocol  // the other side answered something that makes no sense
};

std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::unavailable;
  std::string detail;  // one line, for a person, naming the thing that failed
};

// "unavailable: connection to 127.0.0.1:5432 refused"
std::string to_string(Error const& error);

template <class T>
using Result = boost::system::result<T, Error>;

// The exit statuses of every command (README: "Exit status"). 130 and 143 are added by the signal that interrupted.
enum class ExitStatus : int {
  pass = 0,
  internal_error = 1,
  bad_input = 2,
  gate_failed = 3,
  inconclusive = 4,
  invariant_broken = 5,
  unreachable = 6
};

// Thrown during set-up only. `what()` is one clear line; `status` is what the program exits with.
class Failure : public std::runtime_error {
 public:
  Failure(ExitStatus status, std::string const& message) : std::runtime_error{message}, status_{status} {}
  ExitStatus status() const { return status_; }

 private:
  ExitStatus status_;
};

// boost::system::result calls this when value() is asked of an error; that is a bug of the caller.
[[noreturn]] void throw_exception_from_error(Error const& error, boost::source_location const& where);

}  // namespace assay
