#include "reference_coordinator/protocol/push.hpp"

#include <fmt/format.h>

#include <charconv>

namespace assay::protocol {

namespace {

struct Head {
  std::uint64_t number = 0;
  std::string_view word;  // the path of a question, the status of an answer
  std::string_view body;
};

Result<Head> read_head(std::string_view frame) {
  std::size_t const end = frame.find('\n');
  std::string_view const line = frame.substr(0, end);
  Head head;
  auto const [after, error] = std::from_chars(line.data(), line.data() + line.size(), head.number);
  std::size_t const digits = static_cast<std::size_t>(after - line.data());
  if (error != std::errc{} || digits + 1 >= line.size() || line[digits] != ' ') {
    return Error{ErrorKind::rejected, fmt::format("frame: a first line such as \"7 /runner/heartbeat\" is expected, "
                                                  "found \"{}\"",
                                                  line.substr(0, 64))};
  }
  head.word = line.substr(digits + 1);
  if (end != std::string_view::npos) head.body = frame.substr(end + 1);
  return head;
}

}  // namespace

std::string encode(PushQuestion const& question) {
  return fmt::format("{} {}\n{}", question.number, question.path, question.body);
}

std::string encode(PushAnswer const& answer) {
  return fmt::format("{} {}\n{}", answer.number, answer.status, answer.body);
}

Result<PushQuestion> decode_push_question(std::string_view frame) {
  auto const head = read_head(frame);
  if (!head) return head.error();
  if (head->number == 0) return Error{ErrorKind::rejected, "frame: a question's number is at least 1"};
  if (!head->word.starts_with('/')) {
    return Error{ErrorKind::rejected, fmt::format("frame: a path is expected, found \"{}\"", head->word.substr(0, 64))};
  }
  return PushQuestion{head->number, head->word, head->body};
}

Result<PushAnswer> decode_push_answer(std::string_view frame) {
  auto const head = read_head(frame);
  if (!head) return head.error();
  PushAnswer answer{head->number, 0, head->body};
  auto const [end, error] = std::from_chars(head->word.data(), head->word.data() + head->word.size(), answer.status);
  bool const whole = error == std::errc{} && end == head->word.data() + head->word.size();
  if (!whole || answer.status < 100 || answer.status > 599) {
    return Error{ErrorKind::rejected,
                 fmt::format("frame: a status is expected, found \"{}\"", head->word.substr(0, 64))};
  }
  return answer;
}

}  // namespace assay::protocol
