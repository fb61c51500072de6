#include "reference_coordinator/backends/file/run_folder.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace assay::file {

namespace {

// A claim writes its lease microseconds after it moved the file. One that took longer is dead, or will hear
// stale_token.
constexpr Duration time_to_write_a_lease = seconds{2};

struct Counters {  // in the file `lock`
  std::uint64_t epoch = 0, place = 0;
};

void check(bool good, std::string const& what) {
  if (!good) throw Trouble{errno, what};
}

Descriptor open_at(int folder, std::string const& name, int flags, std::string const& shown) {
  int const fd = ::openat(folder, name.c_str(), flags | O_CLOEXEC, 0600);
  check(fd >= 0, shown);
  return Descriptor{fd};
}

Descriptor open_folder(int parent, std::string const& name, std::string const& shown) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) throw Trouble{errno, shown};
  return open_at(parent, name, O_RDONLY | O_DIRECTORY, shown);
}

void write_all(int fd, std::string_view text, std::string const& shown) {
  while (!text.empty()) {
    ssize_t const n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    check(n >= 0, shown);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string read_all(int file, std::string const& shown) {
  struct ::stat about {};
  check(::fstat(file, &about) == 0, shown);
  std::string text(static_cast<std::size_t>(about.st_size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    ssize_t const n = ::pread(file, text.data() + got, text.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    check(n >= 0, shown);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}

std::uint64_t hash_of(std::string_view key) {  // FNV-1a: the same in every process
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char const c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::string result_name(RunId run, ClaimToken token) {
  return fmt::format("{}_{:x}.{:x}", to_string(run), token.epoch, token.counter);
}

}  // namespace

Trouble::Trouble(int error, std::string const& what)
    : std::runtime_error{fmt::format("{}: {}", what, std::strerror(error))}, error_{error} {}

Error to_error(Trouble const& trouble) {
  switch (trouble.error()) {
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case EEXIST:
    case EBUSY:
    case ENAMETOOLONG: return {ErrorKind::misconfigured, trouble.what()};
    default: return {trouble.in_doubt ? ErrorKind::in_doubt : ErrorKind::unavailable, trouble.what()};
  }
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

RunFolder::RunFolder(std::filesystem::path const& folder, bool alone) : root_{folder} {
  std::string const shown = fmt::format("the queue's folder '{}'", folder.string());
  top_ = open_folder(AT_FDCWD, folder.string(), shown);
  owner_ = open_at(top_.get(), "owner", O_RDWR | O_CREAT, shown);
  if (::flock(owner_.get(), (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    throw Trouble{EBUSY, shown + (alone ? " is open in another process, and file-index works in one only"
                                        : " is open in a process that works alone (file-index)")};
  }
  lock_ = open_at(top_.get(), "lock", O_RDWR | O_CREAT, shown);
  for (std::size_t i = 0; i < folder_count; ++i)
    folders_[i] = open_folder(top_.get(), name_of(static_cast<Folder>(i)), shown);
  batches_ = open_folder(top_.get(), "batches", shown);
  results_ = open_folder(top_.get(), "results", shown);
  tag_sets_ = open_folder(top_.get(), "tag_sets", shown);

  Exclusive const only_we{*this};
  Counters counters;
  [[maybe_unused]] ssize_t const had = ::pread(lock_.get(), &counters, sizeof counters, 0);  // nothing: a new one
  epoch_ = ++counters.epoch;
  check(::pwrite(lock_.get(), &counters, sizeof counters, 0) == sizeof counters, shown);
  check(::fsync(lock_.get()) == 0 && ::fsync(top_.get()) == 0, shown);
  std::string boot;
  std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, boot);
  bool const first = ::faccessat(top_.get(), "boot", F_OK, 0) != 0;
  restarted_ = !first && read_text(top_.get(), "boot") != boot;
  if (first || restarted_) write_whole(top_.get(), "boot", boot, true);
}

StoreFacts RunFolder::facts() const {
  return {{"folder", root_.string()},
          {"synced", "submissions and reports, files and folders"},
          {"epoch", std::to_string(epoch_)}};
}

RunFolder::Exclusive::Exclusive(RunFolder& folder) : folder_{folder} {
  while (::flock(folder_.lock_.get(), LOCK_EX) != 0) check(errno == EINTR, folder_.path("lock", ""));
}

RunFolder::Exclusive::~Exclusive() { ::flock(folder_.lock_.get(), LOCK_UN); }

std::uint64_t RunFolder::take_places(std::uint64_t count) {
  Counters counters;
  check(::pread(lock_.get(), &counters, sizeof counters, 0) == sizeof counters, path("lock", ""));
  std::uint64_t const first = counters.place + 1;
  counters.place += count;
  check(::pwrite(lock_.get(), &counters, sizeof counters, 0) == sizeof counters, path("lock", ""));
  return first;
}

std::vector<std::string> RunFolder::list(Folder folder) const {
  int const fd = ::openat(folders_[static_cast<std::size_t>(folder)].get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(fd >= 0, path(name_of(folder), ""));
  ::DIR* const open = ::fdopendir(fd);
  std::vector<std::string> names;
  while (::dirent const* const entry = ::readdir(open)) {
    std::string_view const name{entry->d_name};
    if (name.ends_with(".json")) names.emplace_back(name);
  }
  ::closedir(open);
  return names;
}

bool RunFolder::has(Folder folder, std::string const& name) const {
  return ::faccessat(folders_[static_cast<std::size_t>(folder)].get(), name.c_str(), F_OK, 0) == 0;
}

void RunFolder::make(Entry const& entry, Record const& record, bool durable) {
  write_whole(folders_[static_cast<std::size_t>(entry.folder)].get(), entry.name(), encode(record), durable);
}

bool RunFolder::move(Entry const& from, Entry const& to) {
  auto const source = static_cast<std::size_t>(from.folder), target = static_cast<std::size_t>(to.folder);
  if (::renameat(folders_[source].get(), from.name().c_str(), folders_[target].get(), to.name().c_str()) != 0) {
    if (errno == ENOENT) return false;
    throw Trouble{errno, path(name_of(from.folder), from.name())};
  }
  if (to.folder != Folder::queued && to.folder != Folder::claimed) moved_into_[target] = true;
  return true;
}

bool RunFolder::write_lease(Entry const& entry, Lease const& lease) {
  std::string const shown = path(name_of(entry.folder), entry.name());
  Descriptor const file{
      ::openat(folders_[static_cast<std::size_t>(entry.folder)].get(), entry.name().c_str(), O_RDWR | O_CLOEXEC)};
  if (file.get() < 0 && errno == ENOENT) return false;
  check(file.get() >= 0, shown);
  struct ::stat about {};
  check(::fstat(file.get(), &about) == 0, shown);
  std::string const text = encode(lease);
  off_t const at = about.st_size - static_cast<off_t>(lease_bytes);
  check(::pwrite(file.get(), text.data(), text.size(), at) == static_cast<ssize_t>(text.size()), shown);
  return true;
}

std::optional<Record> RunFolder::read(Entry const& entry) const {
  std::string const name = entry.name();
  int const fd = ::openat(folders_[static_cast<std::size_t>(entry.folder)].get(), name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  check(fd >= 0, path(name_of(entry.folder), name));
  // Open, it can be read wherever it is moved meanwhile.
  Descriptor const file{fd};
  auto record = decode_record(read_all(file.get(), path(name_of(entry.folder), name)));
  if (!record) throw Trouble{EBADMSG, path(name_of(entry.folder), name)};
  return record;
}

std::int64_t RunFolder::lease_end_us(Entry const& entry, std::int64_t now_us) const {
  auto const record = read(entry);
  if (!record) return std::numeric_limits<std::int64_t>::max();  // not ours to end any more
  if (record->lease.token == entry.token) return record->lease.expires_us;
  auto const left = std::chrono::duration_cast<microseconds>(time_to_write_a_lease - age(entry));
  return now_us + left.count();
}

// The file system's clock on both sides of the difference: nobody's wall clock matters. A rename sets the ctime.
Duration RunFolder::age(Entry const& entry) const {
  struct ::stat about {
  }, now{};
  ::futimens(owner_.get(), nullptr);
  if (::fstat(owner_.get(), &now) != 0 ||
      ::fstatat(folders_[static_cast<std::size_t>(entry.folder)].get(), entry.name().c_str(), &about, 0) != 0)
    return {};
  return seconds{now.st_mtim.tv_sec - about.st_ctim.tv_sec} + nanoseconds{now.st_mtim.tv_nsec - about.st_ctim.tv_nsec};
}

void RunFolder::write_result(RunId run, ClaimToken token, std::string_view text) {
  write_whole(results_.get(), result_name(run, token), text, false);
}

std::optional<std::string> RunFolder::read_result(RunId run, ClaimToken token) const {
  if (::faccessat(results_.get(), result_name(run, token).c_str(), F_OK, 0) != 0) return std::nullopt;
  return read_text(results_.get(), result_name(run, token));
}

std::uint64_t RunFolder::number_of(TagSet const& tags) {
  if (tags.empty()) return 0;
  std::string const key = tags.key();
  std::uint64_t const number = hash_of(key);
  auto const known = sets_.find(number);
  if (known == sets_.end()) {
    std::string const name = fmt::format("{:x}", number);
    if (::faccessat(tag_sets_.get(), name.c_str(), F_OK, 0) != 0) write_whole(tag_sets_.get(), name, key, true);
    if (tags_of(number) != tags) throw Trouble{EEXIST, path("tag_sets", name)};
  } else if (known->second != tags) {
    throw Trouble{EEXIST, path("tag_sets", fmt::format("{:x}", number))};
  }
  return number;
}

TagSet RunFolder::tags_of(std::uint64_t number) {
  if (number == 0) return {};
  auto const known = sets_.find(number);
  if (known != sets_.end()) return known->second;
  return sets_[number] = TagSet::from_key(read_text(tag_sets_.get(), fmt::format("{:x}", number)));
}

void RunFolder::write_batch(std::string const& name, std::vector<Record> const& records) {
  std::string text;
  for (Record const& record : records) {
    std::string const one = encode(record);
    text += fmt::format("{:08}", one.size()) + one;
  }
  write_whole(batches_.get(), name, text, true);
}

std::vector<std::string> RunFolder::batches() const { return list_batches(".batch"); }
std::vector<std::string> RunFolder::unpacked() const { return list_batches(".unpacked"); }

std::vector<std::string> RunFolder::list_batches(std::string_view ending) const {
  int const fd = ::openat(batches_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(fd >= 0, path("batches", ""));
  ::DIR* const open = ::fdopendir(fd);
  std::vector<std::string> names;
  while (::dirent const* const entry = ::readdir(open)) {
    std::string_view const name{entry->d_name};
    if (name.ends_with(ending)) names.emplace_back(name);
  }
  ::closedir(open);
  return names;
}

std::vector<Record> RunFolder::read_batch(std::string const& name) const {
  std::string const text = read_text(batches_.get(), name);
  std::vector<Record> records;
  for (std::size_t at = 0; at + 8 <= text.size();) {
    auto const length = static_cast<std::size_t>(std::stoul(text.substr(at, 8)));
    auto record = decode_record(std::string_view{text}.substr(at + 8, length));
    if (!record) throw Trouble{EBADMSG, path("batches", name)};
    records.push_back(std::move(*record));
    at += 8 + length;
  }
  return records;
}

void RunFolder::set_unpacked(std::string const& name) {
  std::string const now = name.substr(0, name.rfind('.')) + ".unpacked";
  check(::renameat(batches_.get(), name.c_str(), batches_.get(), now.c_str()) == 0 || errno == ENOENT,
        path("batches", name));
}

// The whole file system at once: one sync of thousands of small files, where each would need one of its own.
void RunFolder::forget_unpacked() {
  auto const names = unpacked();
  check(::syncfs(top_.get()) == 0, root_.string());
  for (std::string const& name : names) ::unlinkat(batches_.get(), name.c_str(), 0);
}

void RunFolder::sync() {
  for (std::size_t i = 0; i < folder_count; ++i) {
    if (std::exchange(moved_into_[i], false)) check(::fsync(folders_[i].get()) == 0, root_.string());
  }
}

std::string RunFolder::read_text(int folder, std::string const& name) const {
  Descriptor const file = open_at(folder, name, O_RDONLY, path("", name));
  return read_all(file.get(), path("", name));
}

// Under another name first: what has its name is whole.
void RunFolder::write_whole(int folder, std::string const& name, std::string_view text, bool durable) {
  std::string const shown = path("", name);
  std::string const temporary = fmt::format("new-{:x}-{:x}", epoch_, ++last_temporary_);
  {
    Descriptor const file = open_at(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC, shown);
    try {
      write_all(file.get(), text, shown);
      if (durable) check(::fsync(file.get()) == 0, shown);
    } catch (Trouble const&) {
      ::unlinkat(folder, temporary.c_str(), 0);
      throw;
    }
  }
  check(::renameat(folder, temporary.c_str(), folder, name.c_str()) == 0, shown);
  if (!durable || ::fsync(folder) == 0) return;
  Trouble trouble{errno, shown};
  trouble.in_doubt = true;
  throw trouble;
}

std::string RunFolder::path(char const* folder, std::string const& name) const {
  return fmt::format("'{}'", (root_ / folder / name).string());
}

}  // namespace assay::file
