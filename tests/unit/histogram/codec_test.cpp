#include "harness/histogram/codec.hpp"

#include "harness/base/random.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>

namespace {
std::size_t largest_allocation = 0;
}

// Not inlined: GCC 12 would see free() without its malloc() and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  largest_allocation = std::max(largest_allocation, size);
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace assay {
namespace {

constexpr std::string_view two_values = "HISTFAAAACl4nJNpmSzMwMBgyAABzFCaEURcm7yEwf4DROA8/4I5jNM7mJgAlWkH9g==";
constexpr std::string_view three_values = "HISTFAAAACV4nJNpmSzMwMDAwQABzFCaEUrp2H+AsI4zMh1lZEpkAgBdIQSk";

std::uint64_t test_seed() {
  char const* const given = std::getenv("ASSAY_SEED");
  return given != nullptr ? std::stoull(given) : random_seed();
}

std::string why(Result<Histogram> const& result) { return result ? "it was read" : result.error().detail; }

TEST(codec, reads_what_the_c_implementation_wrote) {
  auto const histogram = decode(two_values);
  ASSERT_TRUE(histogram) << why(histogram);
  EXPECT_EQ(histogram->range(), (HistogramRange{1, 3'600'000'000, 3}));
  auto const buckets = histogram->buckets();
  ASSERT_EQ(buckets.size(), 2U);
  EXPECT_EQ(buckets[0].lowest, 1'000);
  EXPECT_EQ(buckets[0].highest, 1'000);
  EXPECT_EQ(buckets[0].count, 10'000);
  EXPECT_EQ(buckets[1].lowest, 99'942'400);
  EXPECT_EQ(buckets[1].highest, 100'007'935);
  EXPECT_EQ(buckets[1].count, 1);
}

TEST(codec, reads_what_the_java_implementation_wrote) {
  auto const histogram = decode(three_values);
  ASSERT_TRUE(histogram) << why(histogram);
  EXPECT_EQ(histogram->range(), (HistogramRange{1, 300, 3}));
  Histogram expected{{1, 300, 3}};
  for (int value : {100, 200, 250}) expected.record(value);
  EXPECT_EQ(*histogram, expected);
}

// Its header has other values where the Java implementation writes a shift of 0 and a ratio of 1.0.
TEST(codec, reads_what_hdr_histogram_js_wrote) {
  auto const histogram = decode("HISTFAAAACh4nJNpmSzMwMDAwcDAwMjAwMDMAAGMUEoHxj/OyHSUkSmRCQBLTwN3");
  ASSERT_TRUE(histogram) << why(histogram);
  Histogram expected{{1, 300, 3}};
  for (int value : {100, 200, 250}) expected.record(value);
  EXPECT_EQ(*histogram, expected);
}

TEST(codec, writes_the_very_bytes_that_the_java_implementation_writes) {
  Histogram histogram{{1, 300, 3}};
  for (int value : {100, 200, 250}) histogram.record(value);
  EXPECT_EQ(encode(histogram), three_values);
}

TEST(codec, reads_back_what_it_wrote) {
  auto const seed = test_seed();
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  for (std::uint64_t round = 0; round < 50; ++round) {
    auto random = Random::stream(seed, "codec", round);
    Histogram histogram{
        {1 + static_cast<std::int64_t>(random.below(1'000)), 3'600'000'000'000, static_cast<int>(random.below(6))}};
    for (auto n = random.below(3'000); n > 0; --n) {
      auto const value = std::exp(random.uniform() * std::log(3.6e12));
      histogram.record(static_cast<std::int64_t>(value),
                       static_cast<std::int64_t>(random() >> (1 + random.below(63))) >> 12);
    }
    auto const read = decode(encode(histogram));
    ASSERT_TRUE(read) << why(read);
    ASSERT_EQ(*read, histogram);
  }
}

TEST(codec, keeps_neighbouring_slots_single_gaps_and_extreme_counts) {
  Histogram histogram{{1, std::numeric_limits<std::int64_t>::max(), 3}};
  for (std::int64_t value : {0, 1, 3, 6, 10}) histogram.record(value);  // gaps of 0, 1, 2 and 3 empty slots
  histogram.record(std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max() - 5);
  auto const read = decode(encode(histogram));
  ASSERT_TRUE(read) << why(read);
  EXPECT_EQ(*read, histogram);
  auto const empty = decode(encode(Histogram{}));
  ASSERT_TRUE(empty) << why(empty);
  EXPECT_EQ(*empty, Histogram{});
}

TEST(codec, leaves_out_what_is_out_of_range) {
  Histogram histogram, in_range;
  for (auto* each : {&histogram, &in_range}) each->record(1'000'000);
  histogram.record(-1);
  histogram.record(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(decode(encode(histogram)).value(), in_range);
}

TEST(codec, refuses_every_truncation) {
  for (std::size_t length = 0; length < two_values.size(); ++length) {
    auto const result = decode(two_values.substr(0, length));
    ASSERT_FALSE(result) << length;
    EXPECT_EQ(result.error().kind, ErrorKind::broken_protocol);
  }
}

TEST(codec, says_what_is_wrong) {
  EXPECT_THAT(why(decode("")), testing::HasSubstr("not base64"));
  EXPECT_THAT(why(decode("HIST FAA")), testing::HasSubstr("not base64"));
  EXPECT_THAT(why(decode("=ISTFAAA")), testing::HasSubstr("not base64"));
  EXPECT_THAT(why(decode("HISTEwAAAAA=")), testing::HasSubstr("V2 without compression (cookie 0x1c849313)"));
  EXPECT_THAT(why(decode(fmt::format("{}AAAA", two_values))), testing::HasSubstr("not base64"));
  EXPECT_THAT(why(decode(fmt::format("{}AAAA", three_values))), testing::HasSubstr("announces 37 bytes and has 40"));
}

// The beginnings of what older implementations wrote, with the word sizes that they had in use.
TEST(codec, names_the_encodings_that_it_does_not_read) {
  auto const cookie = [](std::uint32_t value) {
    std::array<unsigned char, 9> bytes{};
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<unsigned char>(value >> (24 - 8 * i));
    std::array<unsigned char, 13> text{};
    EVP_EncodeBlock(text.data(), bytes.data(), bytes.size());
    return why(decode(reinterpret_cast<char const*>(text.data())));
  };
  EXPECT_THAT(cookie(0x1c849322), testing::HasSubstr("it is V1"));
  EXPECT_THAT(cookie(0x1c849342), testing::HasSubstr("it is V1"));
  EXPECT_THAT(cookie(0x1c849389), testing::HasSubstr("it is V0"));
  EXPECT_THAT(cookie(0x0c72124f), testing::HasSubstr("DoubleHistogram"));
  EXPECT_THAT(cookie(0x12345678), testing::HasSubstr("its cookie is 0x12345678"));
}

// The encoding around any contents, well formed or not.
std::string pack(std::string const& plain) {
  uLongf size = compressBound(plain.size());
  std::vector<unsigned char> bytes(8 + size);
  EXPECT_EQ(compress(bytes.data() + 8, &size, reinterpret_cast<Bytef const*>(plain.data()), plain.size()), Z_OK);
  bytes.resize(8 + size);
  unsigned char const header[] = {0x1c, 0x84, 0x93, 0x14};
  std::copy_n(header, 4, bytes.begin());
  for (std::size_t i = 0; i < 4; ++i) bytes[4 + i] = static_cast<unsigned char>(size >> (24 - 8 * i));
  std::vector<unsigned char> text(bytes.size() / 3 * 4 + 5);
  auto const length = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  return {text.begin(), text.begin() + length};
}

// Range 1..3.6e9, 3 digits, with these bytes as its counts.
std::string contents(std::string const& counts, std::uint32_t announced) {
  std::string plain(
      "\x1c\x84\x93\x13"
      "....\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x01\0\0\0\0\xd6\x93\xa4\0\x3f\xf0\0\0\0\0\0\0",
      40);
  for (std::size_t i = 0; i < 4; ++i) plain[4 + i] = static_cast<char>(announced >> (24 - 8 * i));
  return plain + counts;
}

TEST(codec, refuses_contents_that_make_no_sense) {
  EXPECT_TRUE(decode(pack(contents("\x02", 1))));
  EXPECT_TRUE(decode(pack(contents("\x02", 41))));  // as HdrHistogram_c announces it
  EXPECT_THAT(why(decode(pack(contents("\x02", 2)))), testing::HasSubstr("announces 2 bytes of counts and has 1"));
  EXPECT_THAT(why(decode(pack(contents("\x02\x02", 1)))), testing::HasSubstr("announces 1 bytes of counts and has 2"));
  EXPECT_THAT(why(decode(pack(contents("\x82", 1)))), testing::HasSubstr("ends early"));
  // 2^62 twice; and a run of 2^63 empty slots.
  std::string const huge = "\x80\x80\x80\x80\x80\x80\x80\x80\x80";
  EXPECT_THAT(why(decode(pack(contents(huge + huge, 18)))), testing::HasSubstr("more than 2^63"));
  EXPECT_THAT(why(decode(pack(contents(std::string(9, '\xff'), 9)))),
              testing::HasSubstr("more counts than its range has slots"));
  for (auto const& [at, byte, reason] : {
           std::tuple{3, 0x12, "inner cookie"},

           {15, 6, "significant digits"},
           {23, 0, "lowest discernible"},
           {24, 0xff, "highest trackable"},
       }) {
    auto plain = contents("\x02", 1);
    plain[static_cast<std::size_t>(at)] = static_cast<char>(byte);
    EXPECT_THAT(why(decode(pack(plain))), testing::HasSubstr(reason));
  }
}

TEST(codec, does_not_unpack_what_it_will_refuse) {
  auto const bomb = pack(contents(std::string(16 << 20, '\x7f'), 0xffffffff));  // 16 MiB of runs and nothing else
  largest_allocation = 0;
  EXPECT_THAT(why(decode(bomb)), testing::HasSubstr("more counts than its range has slots"));
  EXPECT_LT(largest_allocation, std::size_t{1} << 20);
}

// Damage anywhere is refused or gives another well-formed histogram; it never crashes, and never allocates what is not
// there. Damage to the text rarely gets past zlib's checksum, so the contents are damaged too, and packed afresh.
TEST(codec, survives_damage_anywhere) {
  auto const seed = test_seed();
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Random random{seed};
  auto const check = [](std::string const& text) {
    if (auto const result = decode(text)) {
      EXPECT_EQ(decode(encode(*result)).value(), *result);
    } else {
      EXPECT_EQ(result.error().kind, ErrorKind::broken_protocol);
    }
  };
  largest_allocation = 0;
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \n";
  for (int round = 0; round < 5'000; ++round) {
    std::string text{round % 2 == 0 ? two_values : three_values};
    for (auto n = 1 + random.below(4); n > 0; --n)
      text[random.below(text.size())] = alphabet[random.below(alphabet.size())];
    check(text);
  }
  std::string const counts = "\x02\x04\xcf\x0f\xa0\x9c\x01\xdb\xf8\x01\x02";
  for (int round = 0; round < 5'000; ++round) {
    auto plain = contents(counts, static_cast<std::uint32_t>(counts.size()));
    for (auto n = 1 + random.below(3); n > 0; --n)
      plain[random.below(plain.size())] = static_cast<char>(random.below(256));
    check(pack(plain));
  }
  EXPECT_LT(largest_allocation, std::size_t{64} << 20);
}

}  // namespace
}  // namespace assay
