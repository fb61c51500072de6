#include "reference_coordinator/backends/file/entry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace assay::file {

namespace {

constexpr std::string_view ending = ".json";
constexpr std::size_t longest_worker = 64;

template <class T>
bool number(std::string_view text, T& value, int base) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size();
}

// The fields between '_', of which a worker's name has none.
std::vector<std::string_view> fields_of(std::string_view name) {
  std::vector<std::string_view> fields;
  for (;;) {
    auto const at = name.find('_');
    fields.push_back(name.substr(0, at));
    if (at == std::string_view::npos) return fields;
    name.remove_prefix(at + 1);
  }
}

}  // namespace

char const* name_of(Folder folder) {
  switch (folder) {
    case Folder::queued: return "queued";
    case Folder::delayed: return "delayed";
    case Folder::claimed: return "claimed";
    case Folder::done: return "done";
    case Folder::dead: return "dead";
  }
  return "";
}

std::string Entry::name() const {
  if (folder == Folder::done || folder == Folder::dead) return to_string(id) + std::string{ending};
  std::string text;
  if (folder == Folder::delayed) text = fmt::format("{:016x}_", due_us);
  text += fmt::format("{:03}_{:012x}_{}_{}_{}_{:x}_{:x}.{:x}_{}", highest_priority - priority, place, to_string(id),
                      attempts, max_attempts, tag_set, token.epoch, token.counter, failed ? 'f' : 'n');
  if (folder == Folder::claimed) text += "_" + worker;
  return text + std::string{ending};
}

std::optional<Entry> parse_entry(Folder folder, std::string_view name) {
  if (!name.ends_with(ending)) return std::nullopt;
  name.remove_suffix(ending.size());
  Entry entry;
  entry.folder = folder;
  if (folder == Folder::done || folder == Folder::dead) {
    auto const id = parse_run_id(name);
    if (!id) return std::nullopt;
    entry.id = *id;
    return entry;
  }
  auto fields = fields_of(name);
  if (folder == Folder::delayed) {
    if (!number(fields.front(), entry.due_us, 16)) return std::nullopt;
    fields.erase(fields.begin());
  }
  if (fields.size() != (folder == Folder::claimed ? 9u : 8u)) return std::nullopt;
  int below = 0;
  auto const id = parse_run_id(fields[2]);
  auto const dot = fields[6].find('.');
  bool const good = number(fields[0], below, 10) && number(fields[1], entry.place, 16) && id &&
                    number(fields[3], entry.attempts, 10) && number(fields[4], entry.max_attempts, 10) &&
                    number(fields[5], entry.tag_set, 16) && dot != std::string_view::npos &&
                    number(fields[6].substr(0, dot), entry.token.epoch, 16) &&
                    number(fields[6].substr(dot + 1), entry.token.counter, 16);
  if (!good) return std::nullopt;
  entry.priority = highest_priority - below;
  entry.id = *id;
  entry.failed = fields[7] == "f";
  if (folder == Folder::claimed) entry.worker = fields[8];
  return entry;
}

std::string as_worker(std::string_view runner) {
  std::string worker{runner.substr(0, longest_worker)};
  for (char& c : worker) {
    bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (!plain) c = '-';
  }
  return worker;
}

}  // namespace assay::file
