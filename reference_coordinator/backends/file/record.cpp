#include "reference_coordinator/backends/file/record.hpp"

#include <fmt/format.h>

#include <charconv>

namespace assay::file {

namespace {

void append_text(std::string& out, std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  for (char const c : bytes) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      out += c;
    } else {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
}

// Walks the text in the order in which encode() wrote it.
class Walk {
 public:
  explicit Walk(std::string_view text) : left_{text} {}

  bool skip(std::string_view expected) {
    if (!left_.starts_with(expected)) return false;
    left_.remove_prefix(expected.size());
    return true;
  }
  bool text(std::string& out) {
    out.clear();
    while (!left_.empty() && left_.front() != '"') {
      if (left_.front() != '\\') {
        out += left_.front();
        left_.remove_prefix(1);
        continue;
      }
      int byte = 0;
      if (left_.size() < 6 || !parse(left_.substr(4, 2), byte, 16)) return false;
      out += static_cast<char>(byte);
      left_.remove_prefix(6);
    }
    return skip("\"");
  }
  template <class T>
  bool number(T& value, int base = 10) {
    std::size_t length = 0;
    while (length < left_.size() && (std::isxdigit(static_cast<unsigned char>(left_[length])) || left_[length] == '-'))
      ++length;
    bool const good = parse(left_.substr(0, length), value, base);
    left_.remove_prefix(length);
    return good;
  }

 private:
  template <class T>
  static bool parse(std::string_view text, T& value, int base) {
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc{} && end == text.data() + text.size();
  }

  std::string_view left_;
};

}  // namespace

std::string encode(Lease const& lease) {
  return fmt::format(
      ",\n\"lease\":{{\"token\":\"{:016x}.{:016x}\",\"attempts\":\"{:05}\",\"lease_expires_at\":\"{:020}\","
      "\"worker\":\"{}\"{:{}}}}}}\n",
      lease.token.epoch, lease.token.counter, lease.attempts, lease.expires_us, lease.worker, "",
      64 - lease.worker.size());
}

std::string encode(Record const& record) {
  std::string text = fmt::format(
      "{{\"run\":{{\"id\":\"{}\",\"tags\":\"{}\",\"priority\":{},\"max_attempts\":{},\"delay_ns\":{},\"payload\":\"",
      to_string(record.id), record.tags, record.priority, record.max_attempts, record.delay.count());
  append_text(text, record.payload);
  text += "\"}";
  return text + encode(record.lease);
}

std::optional<Record> decode_record(std::string_view text) {
  Record record;
  Walk walk{text};
  std::string id;
  std::int64_t delay = 0;
  bool const good =
      walk.skip("{\"run\":{\"id\":\"") && walk.text(id) && walk.skip(",\"tags\":\"") && walk.text(record.tags) &&
      walk.skip(",\"priority\":") && walk.number(record.priority) && walk.skip(",\"max_attempts\":") &&
      walk.number(record.max_attempts) && walk.skip(",\"delay_ns\":") && walk.number(delay) &&
      walk.skip(",\"payload\":\"") && walk.text(record.payload) && walk.skip("},\n\"lease\":{\"token\":\"") &&
      walk.number(record.lease.token.epoch, 16) && walk.skip(".") && walk.number(record.lease.token.counter, 16) &&
      walk.skip("\",\"attempts\":\"") && walk.number(record.lease.attempts) &&
      walk.skip("\",\"lease_expires_at\":\"") && walk.number(record.lease.expires_us) &&
      walk.skip("\",\"worker\":\"") && walk.text(record.lease.worker);
  auto const parsed = parse_run_id(id);
  if (!good || !parsed) return std::nullopt;
  record.id = *parsed;
  record.delay = Duration{delay};
  return record;
}

}  // namespace assay::file
