#include "harness/services/private_folder.hpp"

#include "harness/base/error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace assay {

namespace {

namespace fs = std::filesystem;

constexpr char lock_name[] = "owner.lock";

// Between its mkdir and its flock a folder looks abandoned; nobody takes this long for that.
constexpr std::time_t youngest_to_reap_s = 10;

[[noreturn]] void cannot(std::string const& what, fs::path const& path) {
  throw Failure{ExitStatus::unreachable, fmt::format("cannot {} '{}': {}", what, path.string(), std::strerror(errno))};
}

// A server that is still shutting down after its harness's death: its folder is for the next time.
bool a_process_runs_in(fs::path const& folder) {
  std::error_code ignored;
  std::string const prefix = folder.string() + "/";
  for (fs::directory_entry const& process : fs::directory_iterator{"/proc", ignored}) {
    fs::path const where = fs::read_symlink(process.path() / "cwd", ignored);
    if (!ignored && (where.string() + "/").starts_with(prefix)) return true;
    ignored.clear();
  }
  return false;
}

bool is_abandoned(fs::path const& folder) {
  struct stat status {};
  if (lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  if (geteuid() != 0 && status.st_uid != geteuid()) return false;
  if (std::time(nullptr) - status.st_mtime < youngest_to_reap_s) return false;
  int const lock = open((folder / lock_name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  bool const unlocked = lock < 0 ? errno == ENOENT : flock(lock, LOCK_EX | LOCK_NB) == 0;
  if (lock >= 0) close(lock);
  return unlocked && !a_process_runs_in(folder);
}

// Whether something can be written in there: a file that has no name and goes when it is closed. 0 or the reason.
int why_not_writable(fs::path const& folder) {
  static constexpr char page[4096] = {};
  int const file = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) {
    bool const without_such_files = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
    return without_such_files && access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
  }
  int const reason = write(file, page, sizeof page) == static_cast<ssize_t>(sizeof page) ? 0 : errno;
  close(file);
  return reason;
}

}  // namespace

fs::path temporary_folder() {
  char const* const named = std::getenv("TMPDIR");
  fs::path const folder = named != nullptr && *named != '\0' ? named : "/tmp";
  int const reason = why_not_writable(folder);
  if (reason == 0) return folder;
  bool const no_room = reason == ENOSPC || reason == EDQUOT || reason == EIO;
  throw Failure{no_room ? ExitStatus::unreachable : ExitStatus::bad_input,
                fmt::format("nothing can be written in the folder for temporary files, '{}': {}; TMPDIR names another",
                            folder.string(), std::strerror(reason))};
}

std::size_t reap_private_folders(fs::path const& parent, std::string const& prefix) {
  std::size_t reaped = 0;
  std::error_code ignored;
  for (fs::directory_entry const& entry : fs::directory_iterator{parent, ignored}) {
    if (!entry.path().filename().string().starts_with(prefix) || !is_abandoned(entry.path())) continue;
    std::error_code failed;
    fs::remove_all(entry.path(), failed);  // another harness may be reaping the same one
    if (!failed) ++reaped;
  }
  return reaped;
}

PrivateFolder::PrivateFolder(fs::path const& parent, std::string const& prefix, std::optional<UserIds> owner) {
  reap_private_folders(parent, prefix);
  std::string name = (parent / (prefix + "XXXXXX")).string();
  if (mkdtemp(name.data()) == nullptr) cannot("make the folder", name);
  path_ = name;
  // The lock file's descriptor is never inherited by the server (close-on-exec): it must not outlive us in there.
  lock_ = open((path_ / lock_name).c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  bool const ready = lock_ >= 0 && flock(lock_, LOCK_EX | LOCK_NB) == 0 &&
                     (!owner || chown(path_.c_str(), owner->user, owner->group) == 0);
  if (!ready) {
    int const reason = errno;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    if (lock_ >= 0) close(lock_);
    errno = reason;
    cannot("use the folder", path_);
  }
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;  // what stays behind is reaped by the next start
  fs::remove_all(path_, ignored);
  close(lock_);
}

}  // namespace assay
