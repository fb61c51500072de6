#include "harness/record/files.hpp"

#include "harness/base/error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

namespace assay {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_{fd} {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  int get() const { return fd_; }
  int close() { return ::close(std::exchange(fd_, -1)); }  // NFS reports a full disk here

 private:
  int fd_;
};

// Removes what was begun unless told that it is complete.
class Draft {
 public:
  explicit Draft(std::string name) : name_{std::move(name)} {}
  ~Draft() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  Draft(Draft const&) = delete;
  Draft& operator=(Draft const&) = delete;
  char const* name() const { return name_.c_str(); }
  void keep() { name_.clear(); }

 private:
  std::string name_;
};

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t const written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// zlib counts in 32 bits; ledgers can be longer than that.
uInt slice(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

constexpr int gzip_window = 15 + 16;  // zlib.h: + 16 asks for the gzip wrapper

}  // namespace

void write_atomically(std::filesystem::path const& path, std::string_view content) {
  auto const fail = [&](int error) {
    throw Failure{ExitStatus::internal_error, fmt::format("cannot write {}: {}", path.string(), std::strerror(error))};
  };
  // A name of its own per process: two of them writing the same file must not write into one draft.
  std::string const name = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  Descriptor file{::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (file.get() < 0) fail(errno);
  Draft draft{name};
  if (!write_all(file.get(), content) || ::fsync(file.get()) != 0 || file.close() != 0) fail(errno);
  if (::rename(draft.name(), path.c_str()) != 0) fail(errno);
  draft.keep();
}

std::string read_whole(std::filesystem::path const& path) {
  auto const fail = [&](int error) {
    throw Failure{ExitStatus::bad_input, fmt::format("{}: {}", path.string(), std::strerror(error))};
  };
  Descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0) fail(errno);
  std::string content;
  std::array<char, 65536> buffer;
  for (;;) {
    ssize_t const got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string gzip(std::string_view plain) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error{"zlib: cannot start to compress"};
  std::unique_ptr<z_stream, int (*)(z_stream*)> const guard{&stream, deflateEnd};
  std::string packed;
  std::array<unsigned char, 65536> buffer;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    uInt const given = slice(plain.size());
    // NOLINTNEXTLINE: zlib takes its input as a pointer to non-const and doesn't write through it.
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<Bytef const*>(plain.data()));
    stream.avail_in = given;
    stream.next_out = buffer.data();
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = deflate(&stream, given == plain.size() ? Z_FINISH : Z_NO_FLUSH);
    plain.remove_prefix(given - stream.avail_in);
    packed.append(reinterpret_cast<char const*>(buffer.data()), buffer.size() - stream.avail_out);
  }
  return packed;
}

std::string gunzip(std::string_view packed) {
  z_stream stream{};
  if (inflateInit2(&stream, gzip_window) != Z_OK) throw std::runtime_error{"zlib: cannot start to decompress"};
  std::unique_ptr<z_stream, int (*)(z_stream*)> const guard{&stream, inflateEnd};
  std::string plain;
  std::array<unsigned char, 65536> buffer;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    uInt const given = slice(packed.size());
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<Bytef const*>(packed.data()));
    stream.avail_in = given;
    stream.next_out = buffer.data();
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream, Z_NO_FLUSH);
    if (status == Z_BUF_ERROR) throw std::runtime_error{"cut off"};
    if (status != Z_OK && status != Z_STREAM_END) throw std::runtime_error{"damaged gzip data"};
    packed.remove_prefix(given - stream.avail_in);
    plain.append(reinterpret_cast<char const*>(buffer.data()), buffer.size() - stream.avail_out);
  }
  if (!packed.empty()) throw std::runtime_error{"data after the end of the gzip stream"};
  return plain;
}

std::string sha256_hex(std::string_view content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  if (EVP_Digest(content.data(), content.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error{"OpenSSL: SHA-256 is not available"};
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace assay
