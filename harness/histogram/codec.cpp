#include "harness/histogram/codec.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>
#include <vector>

// The format, big-endian throughout (AbstractHistogram.java, encodeIntoCompressedByteBuffer and encodeIntoByteBuffer):
//   compressed:  cookie 0x1c849314 · length of what follows · zlib stream of
//   plain:       cookie 0x1c849313 · length of the counts · normalizing offset (0) · significant digits ·
//                lowest discernible, highest trackable (64 bits each) · ratio of integers to doubles (1.0) ·
//   counts:      one ZigZag LEB128 number per slot from slot 0 to the last one in use; −n stands for n empty slots, n
//   > 1.
// The second-lowest hex digit of a cookie is a word size, and means nothing in V2.

namespace assay {

namespace {

constexpr std::uint32_t plain_cookie = 0x1c849313;
constexpr std::uint32_t compressed_cookie = 0x1c849314;
constexpr std::uint32_t word_size_bits = 0xf0;
constexpr std::size_t compressed_header_size = 8;
constexpr std::size_t plain_header_size = 40;

// Thrown inside this file only, so that the readers below read like the format; decode() turns it into an Error.
struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Bytes = std::vector<unsigned char>;

template <class Unsigned>
void append_big_endian(Bytes& out, Unsigned value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<unsigned char>(value >> shift));
  }
}

// LEB128-64b9B: seven bits a byte, lowest first, and all eight of the ninth byte.
void append_zig_zag(Bytes& out, std::int64_t value) {
  auto rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (int byte = 1; byte < 9 && rest >= 0x80; ++byte, rest >>= 7)
    out.push_back(static_cast<unsigned char>(rest | 0x80));
  out.push_back(static_cast<unsigned char>(rest));
}

void append_counts(Bytes& out, Histogram const& histogram) {
  std::size_t const used = histogram.slots_in_use();
  for (std::size_t slot = 0; slot < used;) {
    std::size_t const first = slot;
    while (slot < used && histogram.count_at(slot) == 0) ++slot;
    std::size_t const zeros = slot - first;
    if (zeros > 0) append_zig_zag(out, zeros == 1 ? 0 : -static_cast<std::int64_t>(zeros));
    if (slot < used) append_zig_zag(out, histogram.count_at(slot++));
  }
}

std::string to_base64(Bytes const& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends with a zero byte
  auto* const out = reinterpret_cast<unsigned char*>(text.data());
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(out, bytes.data(), static_cast<int>(bytes.size()))));
  return text;
}

// EVP_DecodeBlock forgives spaces and takes '=' for a digit anywhere, so the alphabet is checked first.
Bytes from_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t longest = std::size_t{1} << 30;  // lengths are int in OpenSSL
  std::size_t const digits = std::min(text.find_first_not_of(alphabet), text.size());
  std::size_t const padding = text.size() - digits;
  if (text.empty() || text.size() > longest || text.size() % 4 != 0 || padding > 2 ||
      text.substr(digits).find_first_not_of('=') != std::string_view::npos) {
    throw Damaged{"not base64"};
  }
  Bytes bytes(text.size() / 4 * 3);
  EVP_DecodeBlock(bytes.data(), reinterpret_cast<unsigned char const*>(text.data()), static_cast<int>(text.size()));
  bytes.resize(bytes.size() - padding);
  return bytes;
}

std::uint32_t read_u32(Bytes const& bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 | std::uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

// Unpacks on demand, a few KiB at a time: a short input that unpacks to gigabytes costs nothing before it is refused.
class Unpacker {
 public:
  // `packed` must outlive this.
  explicit Unpacker(std::span<unsigned char const> packed) {
    stream_.next_in = const_cast<unsigned char*>(packed.data());  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(packed.size());
    if (inflateInit(&stream_) != Z_OK) throw std::bad_alloc{};
  }
  ~Unpacker() { inflateEnd(&stream_); }
  Unpacker(Unpacker const&) = delete;
  Unpacker& operator=(Unpacker const&) = delete;

  unsigned char next() {
    if (at_end()) throw Damaged{"it ends early"};
    return buffer_[position_++];
  }

  template <class Unsigned>
  Unsigned next_big_endian() {
    Unsigned value = 0;
    for (std::size_t byte = 0; byte < sizeof value; ++byte) value = static_cast<Unsigned>(value << 8 | next());
    return value;
  }

  // zlib's checksum has been found right by then.
  bool at_end() { return position_ == filled_ && !fill(); }
  std::uint64_t taken() const { return stream_.total_out - (filled_ - position_); }
  std::size_t left_packed() const { return stream_.avail_in; }

 private:
  // False at the end of the stream.
  bool fill() {
    position_ = filled_ = 0;
    while (!ended_ && filled_ == 0) {
      stream_.next_out = buffer_.data();
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      int const status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_MEM_ERROR) throw std::bad_alloc{};
      if (status == Z_BUF_ERROR) throw Damaged{"its compressed part is cut off"};
      if (status != Z_OK && status != Z_STREAM_END) throw Damaged{"its compressed part does not unpack"};
      ended_ = status == Z_STREAM_END;
      filled_ = buffer_.size() - stream_.avail_out;
    }
    return filled_ > 0;
  }

  z_stream stream_{};
  std::array<unsigned char, 4096> buffer_;
  std::size_t position_ = 0;
  std::size_t filled_ = 0;
  bool ended_ = false;
};

std::int64_t next_zig_zag(Unpacker& unpacker) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= 56; shift += 7) {
    std::uint64_t const byte = unpacker.next();
    if (shift == 56) {
      value |= byte << shift;
      break;
    }
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
}

// Every number takes up at least one slot, so that no input can keep this busy for longer than its range is wide.
void read_counts(Unpacker& unpacker, Histogram& histogram) {
  std::size_t slot = 0;
  while (!unpacker.at_end()) {
    std::int64_t const number = next_zig_zag(unpacker);
    auto const taken = number < 0 ? 0 - static_cast<std::uint64_t>(number) : 1;
    if (taken > histogram.slots() - slot) throw Damaged{"it has more counts than its range has slots"};
    if (number > 0) {
      if (number > std::numeric_limits<std::int64_t>::max() - histogram.count()) {
        throw Damaged{"its counts add up to more than 2^63"};
      }
      histogram.record(histogram.lowest_of(slot), number);
    }
    slot += taken;
  }
}

// Says what it is instead, where that is known: the cookies of DoubleHistogram.java and of the formats before V2.
void check_cookie(std::uint32_t cookie) {
  struct Other {
    std::uint32_t cookie;
    std::string_view name;
  };
  static constexpr std::array<Other, 7> others{{
      {plain_cookie, "V2 without compression"},
      {0x1c849302, "V1, which HdrHistogram wrote before version 2.1.5"},
      {0x1c849301, "V1 without compression"},
      {0x1c849309, "V0, which HdrHistogram wrote before version 2.0"},
      {0x1c849308, "V0 without compression"},
      {0x0c72124f, "a histogram of floating-point values (DoubleHistogram)"},
      {0x0c72124e, "a histogram of floating-point values (DoubleHistogram) without compression"},
  }};
  if ((cookie & ~word_size_bits) == (compressed_cookie & ~word_size_bits)) return;
  for (auto const& other : others) {
    if ((cookie & ~word_size_bits) == (other.cookie & ~word_size_bits)) {
      throw Damaged{fmt::format("it is {} (cookie {:#010x}); only V2 compressed is read", other.name, cookie)};
    }
  }
  throw Damaged{fmt::format("its cookie is {:#010x}, not the {:#010x} of V2 compressed", cookie, compressed_cookie)};
}

Histogram unpack(std::span<unsigned char const> packed) {
  Unpacker unpacker{packed};
  if (auto const cookie = unpacker.next_big_endian<std::uint32_t>();
      (cookie & ~word_size_bits) != (plain_cookie & ~word_size_bits)) {
    throw Damaged{fmt::format("its inner cookie is {:#010x}, not V2's {:#010x}", cookie, plain_cookie)};
  }
  auto const counts_size = unpacker.next_big_endian<std::uint32_t>();
  // Neither this nor the ratio below says anything about the counts, which are written in the order of their values;
  // and hdr-histogram-js fills both with nonsense. Histograms of doubles, which need the ratio, have cookies of their
  // own.
  [[maybe_unused]] auto const normalizing_offset = unpacker.next_big_endian<std::uint32_t>();
  HistogramRange range;
  range.significant_digits = static_cast<std::int32_t>(unpacker.next_big_endian<std::uint32_t>());
  range.lowest_discernible = static_cast<std::int64_t>(unpacker.next_big_endian<std::uint64_t>());
  range.highest_trackable = static_cast<std::int64_t>(unpacker.next_big_endian<std::uint64_t>());
  [[maybe_unused]] auto const ratio = unpacker.next_big_endian<std::uint64_t>();
  if (auto const problem = range.problem()) throw Damaged{*problem};

  Histogram histogram{range};
  read_counts(unpacker, histogram);
  // HdrHistogram_c counts the header in, against the Java implementation; nobody means to leave out 40 bytes of counts.
  if (auto const size = unpacker.taken() - plain_header_size; counts_size != size && counts_size != unpacker.taken()) {
    throw Damaged{fmt::format("it announces {} bytes of counts and has {}", counts_size, size)};
  }
  if (unpacker.left_packed() != 0) throw Damaged{"something follows its compressed part"};
  return histogram;
}

}  // namespace

std::string encode(Histogram const& histogram) {
  Bytes counts;
  append_counts(counts, histogram);

  Bytes plain;
  append_big_endian(plain, plain_cookie);
  append_big_endian(plain, static_cast<std::uint32_t>(counts.size()));
  append_big_endian(plain, std::uint32_t{0});
  append_big_endian(plain, static_cast<std::uint32_t>(histogram.range().significant_digits));
  append_big_endian(plain, static_cast<std::uint64_t>(histogram.range().lowest_discernible));
  append_big_endian(plain, static_cast<std::uint64_t>(histogram.range().highest_trackable));
  append_big_endian(plain, std::bit_cast<std::uint64_t>(1.0));
  plain.insert(plain.end(), counts.begin(), counts.end());

  uLongf packed_size = compressBound(plain.size());
  Bytes packed(packed_size);
  if (compress(packed.data(), &packed_size, plain.data(), plain.size()) != Z_OK) throw std::bad_alloc{};

  Bytes out;
  append_big_endian(out, compressed_cookie);
  append_big_endian(out, static_cast<std::uint32_t>(packed_size));
  out.insert(out.end(), packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(packed_size));
  return to_base64(out);
}

Result<Histogram> decode(std::string_view base64) {
  try {
    Bytes const bytes = from_base64(base64);
    if (bytes.size() < compressed_header_size) throw Damaged{"it ends early"};
    check_cookie(read_u32(bytes, 0));
    if (std::size_t const size = read_u32(bytes, 4); size != bytes.size() - compressed_header_size) {
      throw Damaged{fmt::format("it announces {} bytes and has {}", size, bytes.size() - compressed_header_size)};
    }
    return unpack(std::span{bytes}.subspan(compressed_header_size));
  } catch (Damaged const& damaged) {
    return Error{ErrorKind::broken_protocol, fmt::format("histogram cannot be read: {}", damaged.what())};
  }
}

}  // namespace assay
