#include "harness/record/results_folder.hpp"

#include "harness/base/error.hpp"
#include "harness/base/random.hpp"
#include "harness/record/files.hpp"
#include "harness/record/json_values.hpp"
#include "harness/record/run_events_csv.hpp"
#include "harness/record/summary.hpp"
#include "harness/record/timeline_csv.hpp"

#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

namespace assay {

// In namespace assay, because Boost.Describe finds the list by the type's namespace.
struct ManifestFile {
  std::string path;  // relative to the folder
  std::uint64_t bytes = 0;
  std::string sha256;
};
struct Manifest {
  static constexpr int current_version = 1;
  int schema_version = current_version;
  std::string written_by;
  std::vector<ManifestFile> files;  // by path
};
BOOST_DESCRIBE_STRUCT(ManifestFile, (), (path, bytes, sha256))
BOOST_DESCRIBE_STRUCT(Manifest, (), (schema_version, written_by, files))

namespace {

namespace fs = std::filesystem;

constexpr char const* manifest_name = "manifest.json";
constexpr char const* summary_name = "summary.json";
constexpr char const* timeline_name = "timeline.csv";

std::string histograms_name(std::string const& trial) { return trial + ".hlog"; }
std::string ledger_name(std::string const& trial, std::string const& who) {
  return fmt::format("ledger/{}-{}.csv.gz", trial, who);
}

Manifest read_manifest(fs::path const& folder) {
  auto const file = folder / manifest_name;
  if (!fs::exists(file))
    throw Failure{ExitStatus::bad_input, fmt::format("{}: not a results folder, or of a run that was killed: no {}",
                                                     folder.string(), manifest_name)};
  try {
    auto const document = parse_exact(read_whole(file));
    JsonPlace const top{};
    if (!document.is_object()) top.wrong("not an object");
    auto const* found = document.get_object().if_contains("schema_version");
    if (!found) top.wrong("no schema_version: not written by assay");
    if (auto const version = from_json<int>(*found, top); version != Manifest::current_version)
      top.wrong(fmt::format("schema version {}; this assay reads version {}: use the assay that wrote it", version,
                            Manifest::current_version));
    return from_json<Manifest>(document, top);
  } catch (std::runtime_error const& error) {
    throw Failure{ExitStatus::bad_input, fmt::format("{}: {}", file.string(), error.what())};
  }
}

// What is wrong with a file that the manifest lists; nothing if it is as it was written.
std::optional<std::string> difference(fs::path const& folder, ManifestFile const& listed,
                                      std::string* content = nullptr) {
  auto const file = folder / listed.path;
  if (!fs::exists(file)) return fmt::format("{}: missing; {} lists it", file.string(), manifest_name);
  std::string const text = read_whole(file);
  if (text.size() != listed.bytes)
    return fmt::format("{}: {} bytes, {} says {}: cut off or changed", file.string(), text.size(), manifest_name,
                       listed.bytes);
  if (sha256_hex(text) != listed.sha256)
    return fmt::format("{}: changed since it was written: SHA-256 is not what {} says", file.string(), manifest_name);
  if (content) *content = text;
  return std::nullopt;
}

std::string read_listed(fs::path const& folder, Manifest const& manifest, std::string const& name) {
  auto const listed =
      std::find_if(manifest.files.begin(), manifest.files.end(), [&](auto const& f) { return f.path == name; });
  if (listed == manifest.files.end())
    throw Failure{ExitStatus::bad_input,
                  fmt::format("{}: {} does not list it", (folder / name).string(), manifest_name)};
  std::string content;
  if (auto const problem = difference(folder, *listed, &content)) throw Failure{ExitStatus::bad_input, *problem};
  return content;
}

// Points `link` at `target` in one step, so that it never is not there.
void point(fs::path const& link, fs::path const& target) {
  fs::path const draft = fmt::format("{}.{}.tmp", link.string(), ::getpid());
  std::error_code error;
  fs::remove(draft, error);
  fs::create_directory_symlink(target, draft, error);
  if (!error) fs::rename(draft, link, error);
  if (error) {
    std::error_code ignored;
    fs::remove(draft, ignored);
    throw Failure{ExitStatus::internal_error,
                  fmt::format("cannot make the link {}: {}", link.string(), error.message())};
  }
}

}  // namespace

ResultsFolder ResultsFolder::create(fs::path const& root, std::string const& scenario, WallTime now) {
  std::error_code error;
  fs::path const parent = fs::absolute(root) / scenario;
  fs::create_directories(parent, error);
  // The id keeps two runs of one second apart; if even that is taken, the next one isn't.
  for (int tries = 0; !error && tries < 100; ++tries) {
    auto const stamp = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
    fs::path const folder = parent / fmt::format("{}-{:04x}", stamp, random_seed() & 0xffffU);
    if (fs::create_directory(folder, error)) return ResultsFolder{folder};
  }
  throw Failure{ExitStatus::bad_input, fmt::format("cannot make a results folder in {}: {}", parent.string(),
                                                   error ? error.message() : "all names are taken")};
}

ResultsFolder ResultsFolder::open(fs::path folder) {
  folder = fs::absolute(folder);
  read_manifest(folder);
  return ResultsFolder{std::move(folder)};
}

void ResultsFolder::write(std::string const& name, std::string_view content) const {
  fs::path const relative = fs::path{name}.lexically_normal();
  if (relative.empty() || relative.is_absolute() || *relative.begin() == ".." || !relative.has_filename())
    throw std::invalid_argument{fmt::format("'{}' is not a file's name inside a results folder", name)};
  fs::path const file = path_ / relative;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error)
    throw Failure{ExitStatus::internal_error,
                  fmt::format("cannot make {}: {}", file.parent_path().string(), error.message())};
  write_atomically(file, content);
}

void ResultsFolder::write_assessment(Assessment const& assessment) const {
  boost::json::object environment;
  environment["schema_version"] = Assessment::schema_version;
  environment["environment"] = to_json(assessment.environment);
  environment["backends"] = to_json(assessment.backends);
  write("environment.json", to_text(environment));
  write(timeline_name, timeline_csv(assessment.trials));
  write(summary_name, summary_text(assessment));
}

void ResultsFolder::write_histograms(std::string const& trial, WallTime start,
                                     std::span<HistogramLogEntry const> entries) const {
  std::ostringstream out;
  HistogramLogWriter writer{out, start, {fmt::format("trial {}; values in nanoseconds", trial)}};
  for (auto const& entry : entries) {
    writer.write(entry);
    if (entry.histogram.out_of_range() > 0)
      writer.write_comment(fmt::format("{}: {} values below the range and {} above it are not in the line before this",
                                       entry.tag, entry.histogram.below_range(), entry.histogram.above_range()));
  }
  write(histograms_name(trial), out.str());
}

void ResultsFolder::write_run_events(std::string const& trial, std::span<RunEvent const> events) const {
  write_ledger(trial, "runners", run_events_csv(events));
}

void ResultsFolder::write_ledger(std::string const& trial, std::string const& who, std::string_view csv) const {
  write(ledger_name(trial, who), gzip(csv));
}

void ResultsFolder::finish() const {
  Manifest manifest;
  manifest.written_by = "assay";
  for (auto const& entry : fs::recursive_directory_iterator{path_}) {
    auto const name = entry.path().lexically_relative(path_).generic_string();
    if (!entry.is_regular_file() || name == manifest_name || name.ends_with(".tmp")) continue;
    std::string const content = read_whole(entry.path());
    manifest.files.push_back({name, content.size(), sha256_hex(content)});
  }
  std::sort(manifest.files.begin(), manifest.files.end(), [](auto const& a, auto const& b) { return a.path < b.path; });
  write(manifest_name, to_text(to_json(manifest)));
  auto const latest = path_.parent_path() / "latest";
  // A folder that was copied elsewhere gets no link, and a newer run's link isn't turned back by rendering an old one
  // again.
  bool const ours = !fs::exists(fs::symlink_status(latest)) || fs::is_symlink(latest);
  bool const newer = !fs::exists(latest) || fs::read_symlink(latest).filename() <= path_.filename();
  if (ours && newer) point(latest, path_.filename());
}

Assessment read_assessment(fs::path const& folder) {
  auto const manifest = read_manifest(folder);
  auto assessment = parse_summary(read_listed(folder, manifest, summary_name), (folder / summary_name).string());
  add_timeline(assessment.trials, read_listed(folder, manifest, timeline_name), (folder / timeline_name).string());
  return assessment;
}

HistogramLog read_histograms(fs::path const& folder, std::string const& trial) {
  auto const name = histograms_name(trial);
  std::istringstream in{read_listed(folder, read_manifest(folder), name)};
  auto log = read_histogram_log(in);
  if (!log) throw Failure{ExitStatus::bad_input, fmt::format("{}: {}", (folder / name).string(), log.error().detail)};
  return std::move(*log);
}

std::string read_ledger(fs::path const& folder, std::string const& trial, std::string const& who) {
  auto const name = ledger_name(trial, who);
  auto const packed = read_listed(folder, read_manifest(folder), name);
  try {
    return gunzip(packed);
  } catch (std::runtime_error const& error) {
    throw Failure{ExitStatus::bad_input, fmt::format("{}: {}", (folder / name).string(), error.what())};
  }
}

std::vector<RunEvent> read_run_events(fs::path const& folder, std::string const& trial) {
  return parse_run_events(read_ledger(folder, trial, "runners"), (folder / ledger_name(trial, "runners")).string());
}

std::vector<std::string> differences_from_manifest(fs::path const& folder) {
  std::vector<std::string> lines;
  for (auto const& listed : read_manifest(folder).files)
    if (auto line = difference(folder, listed)) lines.push_back(std::move(*line));
  return lines;
}

}  // namespace assay
