// The Redis protocol (RESP 2) as values: commands are written here, answers are read by hiredis' parser. Knows no
// socket. Easy to get wrong: an error is a value like any other, because one bad command of a pipeline spoils no other.
#pragma once

#include "harness/base/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace assay::redis {

struct Value {
  enum class Kind : std::uint8_t { nil, text, status, error, integer, list };
  Kind kind = Kind::nil;
  std::string text;  // of text, status and error
  std::int64_t integer = 0;
  std::vector<Value> items;

  bool is_error() const { return kind == Kind::error; }
};

class Reader {
 public:
  Reader();
  // False when there is no memory for it.
  bool feed(std::string_view bytes);
  // The next whole answer; nothing when more bytes are needed. broken_protocol: this is no Redis.
  Result<std::optional<Value>> next();

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
};

// Commands as they go over the wire, one after the other.
class Commands {
 public:
  Commands& add(std::initializer_list<std::string_view> words);
  Commands& add(std::vector<std::string> const& words);

  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::string const& text() const { return text_; }

 private:
  void begin(std::size_t words);
  void word(std::string_view text);

  std::string text_;
  std::size_t count_ = 0;
};

// What an error answer means for the caller: a server that loads, is full or can't write is `unavailable`; a wrong
// password, a forbidden command or a key of another type is `misconfigured`; the rest `rejected`.
Error error_of(Value const& value);
// The first error among the answers of one pipeline.
std::optional<Error> first_error(std::vector<Value> const& values);

}  // namespace assay::redis
