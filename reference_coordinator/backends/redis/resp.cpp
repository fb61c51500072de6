#include "reference_coordinator/backends/redis/resp.hpp"

#include <fmt/format.h>
#include <hiredis/read.h>

#include <algorithm>
#include <array>
#include <utility>

namespace assay::redis {

namespace {

// hiredis builds an answer from the outside in: an element's parent is there before it.
Value* place_for(redisReadTask const* task) {
  if (task->parent == nullptr) return new Value;
  auto* const list = static_cast<Value*>(task->parent->obj);
  return &list->items[static_cast<std::size_t>(task->idx)];
}

void* make_text(redisReadTask const* task, char* bytes, std::size_t length) {
  Value* const value = place_for(task);
  value->kind = task->type == REDIS_REPLY_ERROR    ? Value::Kind::error
                : task->type == REDIS_REPLY_STATUS ? Value::Kind::status
                                                   : Value::Kind::text;
  value->text.assign(bytes, length);
  return value;
}

void* make_list(redisReadTask const* task, int size) {
  Value* const value = place_for(task);
  value->kind = Value::Kind::list;
  value->items.resize(static_cast<std::size_t>(size));
  return value;
}

void* make_integer(redisReadTask const* task, long long number) {
  Value* const value = place_for(task);
  value->kind = Value::Kind::integer;
  value->integer = number;
  return value;
}

void* make_nil(redisReadTask const* task) { return place_for(task); }

void free_value(void* root) { delete static_cast<Value*>(root); }

redisReplyObjectFunctions functions{make_text, make_list, make_integer, make_nil, free_value};

}  // namespace

void Reader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

Reader::Reader() : reader_{redisReaderCreateWithFunctions(&functions)} {
  if (!reader_) throw std::bad_alloc{};
}

bool Reader::feed(std::string_view bytes) {
  return redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

Result<std::optional<Value>> Reader::next() {
  void* root = nullptr;
  if (redisReaderGetReply(reader_.get(), &root) != REDIS_OK) {
    return Error{ErrorKind::broken_protocol,
                 fmt::format("what answers there is no Redis: {}", static_cast<char const*>(reader_->errstr))};
  }
  if (root == nullptr) return std::optional<Value>{};
  std::unique_ptr<Value> const value{static_cast<Value*>(root)};
  return std::optional<Value>{std::move(*value)};
}

void Commands::begin(std::size_t words) {
  text_ += '*';
  text_ += fmt::format_int{words}.c_str();
  text_ += "\r\n";
  ++count_;
}

void Commands::word(std::string_view text) {
  text_ += '$';
  text_ += fmt::format_int{text.size()}.c_str();
  text_ += "\r\n";
  text_ += text;
  text_ += "\r\n";
}

Commands& Commands::add(std::initializer_list<std::string_view> words) {
  begin(words.size());
  for (auto const part : words) word(part);
  return *this;
}

Commands& Commands::add(std::vector<std::string> const& words) {
  begin(words.size());
  for (auto const& part : words) word(part);
  return *this;
}

Error error_of(Value const& value) {
  std::string_view const code = std::string_view{value.text}.substr(0, value.text.find(' '));
  auto const any_of = [&](auto const& codes) { return std::ranges::find(codes, code) != std::end(codes); };
  static constexpr std::array<std::string_view, 7> passing{"LOADING", "OOM",      "MISCONF",   "READONLY",
                                                           "BUSY",    "TRYAGAIN", "MASTERDOWN"};
  static constexpr std::array<std::string_view, 4> settings{"NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE"};
  ErrorKind const kind = any_of(passing)    ? ErrorKind::unavailable
                         : any_of(settings) ? ErrorKind::misconfigured
                                            : ErrorKind::rejected;
  return {kind, fmt::format("Redis says: {}", value.text)};
}

std::optional<Error> first_error(std::vector<Value> const& values) {
  auto const found = std::find_if(values.begin(), values.end(), [](Value const& value) { return value.is_error(); });
  if (found == values.end()) return std::nullopt;
  return error_of(*found);
}

}  // namespace assay::redis
