#include "harness/assess/decide.hpp"

#include "harness/assess/acceptance.hpp"
#include "harness/assess/advice.hpp"
#include "harness/assess/comparisons.hpp"
#include "harness/assess/criterion_evidence.hpp"
#include "harness/assess/intervals.hpp"
#include "harness/assess/objectives.hpp"
#include "harness/assess/other_variants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

namespace assay {
namespace {

using Finding = Reason::Finding;

bool is_latency(Criterion const& criterion) { return criterion.metric.ends_with("_latency"); }

std::string in_words(std::vector<int> const& runners) {
  std::string text;
  for (std::size_t i = 0; i < runners.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == runners.size() ? " and " : ", ", runners[i]);
  return text;
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::vector<std::string> ids_of(Trials const& trials) {
  std::vector<std::string> ids;
  for (auto const* trial : trials) ids.push_back(trial->id);
  return ids;
}

class Judge {
 public:
  Judge(Assessment const& assessment, Policy const& policy)
      : assessment_{assessment}, policy_{policy}, compared_{assessment, policy} {
    std::set<int> measured;
    for (auto const& trial : assessment.trials)
      if (trial.series() == assessed()) measured.insert(trial.runners);
    required_ = policy.required_runners;
    if (required_.empty()) required_.assign(measured.begin(), measured.end());
  }

  Verdict verdict() {
    check_policy();
    check_levels();
    check_ledgers();
    examine_triggers();
    conclude();
    weigh_considerations();
    note_runner_shortage();
    note_other_levels();
    note_other_variants();
    verdict_.comparisons = compared_.list();
    write_headline();
    verdict_.acceptance = tick_boxes(assessment_, policy_, verdict_.decision);
    for (auto const& evidence : triggers_)
      if (evidence.finding == Finding::refuted)
        if (auto text = headroom(evidence, compared_.largest_level()); !text.empty())
          verdict_.what_would_change_it.push_back(std::move(text));
    if (verdict_.decision != Decision::inconclusive)
      verdict_.next_steps.push_back(fmt::format("Check again when the load, the backend or the machine changes: `{}`",
                                                base_command(assessment_)));
    return std::move(verdict_);
  }

 private:
  std::string const& assessed() const { return compared_.assessed(); }

  // ---- is there enough to judge by?

  // Something that keeps any verdict from being reached.
  void problem(std::string criterion, std::string text, std::vector<std::string> trials, std::string next_step) {
    problems_.push_back(text);
    verdict_.reasons.push_back({.criterion = std::move(criterion),
                                .source_text = {},
                                .finding = Finding::undecided,
                                .text = sentence(std::move(text)) + '.',
                                .trials = std::move(trials)});
    next(sentence(std::move(next_step)));
  }
  void note(std::string criterion, std::string source_text, std::string text, std::vector<std::string> trials = {}) {
    verdict_.reasons.push_back({.criterion = std::move(criterion),
                                .source_text = std::move(source_text),
                                .finding = Finding::note,
                                .text = std::move(text),
                                .trials = std::move(trials)});
  }
  void next(std::string step) {
    if (!step.empty() &&
        std::find(verdict_.next_steps.begin(), verdict_.next_steps.end(), step) == verdict_.next_steps.end())
      verdict_.next_steps.push_back(std::move(step));
  }

  void check_policy() {
    if (policy_.triggers.empty())
      problem("validity", fmt::format("the policy {} has no triggers, so there is nothing to refute", policy_.name), {},
              "give the policy at least one trigger");
    if (policy_.confidence > default_confidence)
      problem("validity",
              fmt::format("the policy asks for {:.3g} % confidence, the figures carry bounds of {:.0f} %",
                          100 * policy_.confidence, 100 * default_confidence),
              {}, fmt::format("set the policy's confidence to at most {}", default_confidence));
  }

  void check_levels() {
    std::vector<int> missing;
    for (int const runners : required_) {
      auto const trials = trials_of(assessment_, runners, assessed());
      if (trials.empty()) missing.push_back(runners);
      for (auto const* trial : trials)
        if (auto const why = why_not_usable(*trial); !why.empty())
          problem("validity", fmt::format("{} runners, {}: {}", runners, trial->id, why), {trial->id},
                  mend_trial(assessment_, *trial));
    }
    if (assessment_.trials.empty()) {
      problem("validity", "nothing was measured", {}, measure_levels(assessment_, required_));
    } else if (!missing.empty()) {
      problem("validity",
              fmt::format("the policy requires {} runners, which {} not measured on {}", in_words(missing),
                          missing.size() == 1 ? "was" : "were", assessed()),
              {}, measure_levels(assessment_, missing));
    }
  }

  void check_ledgers() {
    for (auto const& trial : assessment_.trials) {
      auto const what = ledger_problem(trial);
      if (what.empty()) continue;
      if (trial.series() == assessed())
        problem("ledger", fmt::format("trial {} breaks its promises, so its speed says nothing: {}", trial.id, what),
                {trial.id},
                fmt::format("find out why first: ledger/{}-*.csv.gz of the results folder has every event", trial.id));
      else
        note("ledger", {}, fmt::format("Trial {} breaks its promises, so its speed says nothing: {}.", trial.id, what),
             {trial.id});
    }
  }

  // ---- the policy's triggers

  void examine_triggers() {
    for (auto const& criterion : policy_.triggers) {
      std::vector<LevelEvidence> levels;
      for (int const runners : required_)
        levels.push_back(examine(criterion, runners, compared_.usable(runners, assessed())));
      triggers_.push_back(combine(criterion, std::move(levels)));
      add_reason(triggers_.back());
    }
  }

  void add_reason(CriterionEvidence const& evidence) {
    auto const& criterion = *evidence.criterion;
    Reason reason{.criterion = criterion.id, .source_text = criterion.text, .finding = evidence.finding};
    reason.bound = criterion.above;
    std::vector<int> levels;
    for (auto const& level : evidence.levels) {
      if (level.trials.empty()) continue;
      levels.push_back(level.runners);
      for (auto& id : ids_of(level.trials)) reason.trials.push_back(std::move(id));
    }
    auto const* const worst = evidence.worst();
    if (worst) {
      reason.n = worst->figure->n;
      reason.figure = worst->figure->estimate;
      reason.unit = worst->figure->unit;
    }
    switch (evidence.finding) {
      case Finding::refuted:
        reason.text = fmt::format("{} is not above {} at {} runners: at worst {}, at {} runners{}{}.",
                                  name_of(criterion), show(criterion.above, reason.unit), in_words(levels),
                                  show(*worst->figure), worst->runners, n_of(reason), across_repeats_of(*worst));
        reason.text = sentence(std::move(reason.text));
        break;
      case Finding::met:
        reason.text = fmt::format("{} is above {} in every repeat at {} runners: {}{}{}. {}", name_of(criterion),
                                  show(criterion.above, reason.unit), worst->runners, show(*worst->figure),
                                  n_of(reason), across_repeats_of(*worst), criterion.why);
        reason.text = sentence(std::move(reason.text));
        break;
      case Finding::undecided:
      case Finding::note: reason.text = why_undecided(evidence); break;
    }
    verdict_.reasons.push_back(std::move(reason));
  }

  static std::string n_of(Reason const& reason) {
    return reason.n == 0 ? std::string{} : fmt::format(" (n = {})", reason.n);
  }

  static std::string across_repeats_of(LevelEvidence const& level) {
    return level.across ? fmt::format("; over {} repeats {} on average", level.across->n, show(*level.across))
                        : std::string{};
  }

  std::string why_undecided(CriterionEvidence const& evidence) {
    std::string text;
    for (auto const& level : evidence.levels) {
      if (level.finding != Finding::undecided) continue;
      text += fmt::format("{}at {} runners {}", text.empty() ? "" : "; ", level.runners, level.problem);
      if (!level.trials.empty()) next(sentence(settle(assessment_, *evidence.criterion, level)));
    }
    return sentence(std::move(text)) + '.';
  }

  // ---- the decision

  void conclude() {
    bool const sound = problems_.empty();
    bool needed = false, open = false;
    for (auto const& evidence : triggers_) {
      if (evidence.finding == Finding::undecided) open = true;
      if (evidence.finding != Finding::met) continue;
      auto const* const worst = evidence.worst();
      bool removed = false;
      for (auto const& backend : compared_.others()) {
        auto const found = compared_.removed_by(evidence, backend);
        if (!found) continue;
        auto const text =
            fmt::format("{} at {} runners: {} is {}, no longer above {}{}", backend, found->runners,
                        name_of(*evidence.criterion), show(*found->figure),
                        show(evidence.criterion->above, found->figure->unit), compared_.durability_words(backend));
        note(evidence.criterion->id, evidence.criterion->text, text + '.', ids_of(found->trials));
        (compared_.is_queue(backend) ? removals_ : others_remove_).push_back(text);
        removed = removed || compared_.is_queue(backend);
      }
      needed = needed || removed;
      if (!removed) {
        unremoved_ = &evidence;
        std::string text = compared_.queues().empty()
                               ? "No queue backend was measured, so nothing shows that one would remove it."
                               : fmt::format("No measured queue ({}) removes it.", fmt::join(compared_.queues(), ", "));
        text += dominates_in_words(*worst->worst, *evidence.criterion);
        if (!evidence.criterion->what_would_help.empty()) text += ' ' + evidence.criterion->what_would_help;
        note(evidence.criterion->id, evidence.criterion->text, std::move(text), ids_of(worst->trials));
        if (compared_.queues().empty() && !policy_.queue_backends.empty())
          next(fmt::format("Measure a queue beside it: `{} --runners {} --backend {},{}`", base_command(assessment_),
                           worst->runners, assessed(), policy_.queue_backends.front()));
      }
    }
    if (!sound)
      verdict_.decision = Decision::inconclusive;
    else if (needed)
      verdict_.decision = Decision::needed;
    else
      verdict_.decision = open || unremoved_ ? Decision::inconclusive : Decision::not_needed;
  }

  static std::string dominates_in_words(TrialResult const& trial, Criterion const& criterion) {
    auto const text = without_stop(what_dominates(trial, criterion));
    return text.empty() ? text : fmt::format(" What dominates: {}.", text);
  }

  static std::string without_stop(std::string text) {
    if (text.ends_with('.')) text.pop_back();
    return text;
  }

  // ---- considerations

  bool holds(Consideration const& consideration) const {
    if (!consideration.need.empty()) {
      auto const declared = assessment_.needs.find(consideration.need);
      return declared != assessment_.needs.end() && declared->second;
    }
    return consideration.runners_at_least > 0 && compared_.largest_level() >= consideration.runners_at_least;
  }

  void weigh_considerations() {
    auto const better = compared_.better_queue();
    for (auto const& consideration : policy_.considerations) {
      if (!holds(consideration)) {
        verdict_.what_would_change_it.push_back(
            consideration.need.empty()
                ? fmt::format("\"{}\" would hold from {} runners on; {} at most were measured.", consideration.text,
                              consideration.runners_at_least, compared_.largest_level())
                : fmt::format("\"{}\" would hold if the scenario declared the need {}.", consideration.text,
                              consideration.need));
        continue;
      }
      if (better) {
        note(consideration.id, consideration.text,
             fmt::format("Holds, and {} is better by the stated amount: dispatch latency p99 at most {} against at "
                         "least {} of {} at {} runners{}.",
                         better->series, show(better->at_most_ms, "ms"), show(better->instead_of_ms, "ms"), assessed(),
                         better->runners, compared_.durability_words(better->series)),
             ids_of(better->trials));
        verdict_.reasons.back().finding = Finding::met;
        if (verdict_.decision == Decision::not_needed) verdict_.decision = Decision::consider;
        better_ = better;
      } else if (compared_.queues().empty()) {
        note(consideration.id, consideration.text,
             "Holds, but no queue backend was measured, so nothing says that one would do better. It decides nothing "
             "by itself.");
      } else {
        note(consideration.id, consideration.text,
             fmt::format("Holds, but no measured queue ({}) has a dispatch latency p99 of at most {:.0f} % of {}'s "
                         "with 95 % confidence.",
                         fmt::join(compared_.queues(), ", "), 100 * policy_.better_by_at_least, assessed()));
      }
    }
  }

  // ---- notes

  void note_runner_shortage() {
    double bound = std::numeric_limits<double>::infinity();
    for (auto const& criterion : policy_.triggers)
      if (is_latency(criterion)) bound = std::min(bound, criterion.above);
    for (auto const& trial : assessment_.trials) {
      if (trial.series() != assessed() || trial.claim_latency.n == 0 || trial.claim_latency.p99.value <= bound ||
          !why_not_usable(trial).empty())
        continue;
      auto const words = shortage_in_words(trial);
      if (words.empty()) continue;
      note("runner-shortage", {},
           fmt::format("At {} runners claim latency p99 is {}, but {}", trial.runners,
                       show(trial.claim_latency.p99.value, "ms"), words),
           {trial.id});
      if (!shortage_ || trial.shortage_share > shortage_->shortage_share) shortage_ = &trial;
    }
  }

  // Levels that the policy doesn't require decide nothing, but nothing that was measured goes unsaid.
  void note_other_levels() {
    for (auto const& trial : assessment_.trials) {
      if (trial.series() != assessed() ||
          std::find(required_.begin(), required_.end(), trial.runners) != required_.end())
        continue;
      if (auto const why = why_not_usable(trial); !why.empty()) {
        note("validity", {},
             fmt::format("{} runners, not required by the policy, {}: {}", trial.runners, trial.id, why), {trial.id});
        continue;
      }
      for (auto const& criterion : policy_.triggers)
        if (auto const level = examine(criterion, trial.runners, {&trial}); level.finding == Finding::met)
          note(
              criterion.id, criterion.text,
              fmt::format("At {} runners, a level that the policy does not require, {} is {}, above {}.", trial.runners,
                          name_of(criterion), show(*level.figure), show(criterion.above, level.figure->unit)),
              {trial.id});
    }
  }

  // A variant that the verdict does not rest on may be what its reader has: where a trigger is met there, it is said.
  void note_other_variants() {
    for (auto& found : triggers_met_elsewhere(assessment_, policy_, compared_, required_)) {
      elsewhere_.push_back(std::move(found.words));
      verdict_.reasons.push_back(std::move(found.note));
    }
  }

  // ---- the sentence on top

  void write_headline() {
    auto& headline = verdict_.headline;
    auto const& remedy = policy_.remedy;
    switch (verdict_.decision) {
      case Decision::not_needed: headline = fmt::format("No {} is needed: {}", remedy, refuted_in_words()); break;
      case Decision::consider:
        headline = fmt::format(
            "A {} is not needed but worth considering: at {} runners {} brings dispatch latency p99 from at "
            "least {} to at most {}{}; {}",
            remedy, better_->runners, better_->series, show(better_->instead_of_ms, "ms"),
            show(better_->at_most_ms, "ms"), compared_.durability_words(better_->series), refuted_in_words());
        break;
      case Decision::needed:
        headline = fmt::format("A {0} is needed: {1}, and a {0} removes that: {2}.", remedy, met_in_words(),
                               removals_.front());
        break;
      case Decision::inconclusive: headline = inconclusive_in_words(); break;
    }
    if (shortage_ && verdict_.decision != Decision::inconclusive)
      headline +=
          fmt::format(" What runs wait for at {} runners is a free runner: more runners would help, a {} would not.",
                      shortage_->runners, remedy);
  }

  std::string refuted_in_words() const {
    auto const key =
        std::find_if(triggers_.begin(), triggers_.end(), [](auto const& t) { return is_latency(*t.criterion); });
    auto const& evidence = key == triggers_.end() ? triggers_.front() : *key;
    auto const* const worst = evidence.worst();
    double const now = worst->figure->at_most(), bound = evidence.criterion->above;
    auto text =
        fmt::format("with up to {} runners {} is at most {}", *std::max_element(required_.begin(), required_.end()),
                    name_of(*evidence.criterion), show(now, worst->figure->unit));
    text += now > 0 && bound / now >= 2
                ? fmt::format(", {:.0f} times below the bound of {}", bound / now, show(bound, worst->figure->unit))
                : fmt::format("; the bound is {}", show(bound, worst->figure->unit));
    if (triggers_.size() > 1) text += fmt::format(", and none of the {} triggers is met", triggers_.size());
    if (elsewhere_.empty()) return text + '.';
    auto const told = std::min<std::ptrdiff_t>(std::ssize(elsewhere_), 3);
    return fmt::format(
        "{}. That is {}; not so {}{}.", text, assessed(),
        fmt::join(elsewhere_.begin(), elsewhere_.begin() + told, "; "),
        told < std::ssize(elsewhere_) ? fmt::format("; and {} more", std::ssize(elsewhere_) - told) : "");
  }

  std::string met_in_words() const {
    auto const met =
        std::find_if(triggers_.begin(), triggers_.end(), [](auto const& t) { return t.finding == Finding::met; });
    auto const* const worst = met->worst();
    return fmt::format("at {} runners {} is at least {}, above {}", worst->runners, name_of(*met->criterion),
                       show(worst->figure->at_least(), worst->figure->unit),
                       show(met->criterion->above, worst->figure->unit));
  }

  std::string inconclusive_in_words() const {
    if (!problems_.empty())
      return fmt::format("No verdict: {}{}.", without_stop(problems_.front()),
                         problems_.size() > 1 ? fmt::format(" (and {} more)", problems_.size() - 1) : "");
    if (unremoved_) {
      auto text = fmt::format("Something has to change, but no measurement says that a {} would help: {}.",
                              policy_.remedy, met_in_words());
      text += dominates_in_words(*unremoved_->worst()->worst, *unremoved_->criterion);
      if (!others_remove_.empty()) text += fmt::format(" Without a {}: {}.", policy_.remedy, others_remove_.front());
      return text;
    }
    auto const open =
        std::find_if(triggers_.begin(), triggers_.end(), [](auto const& t) { return t.finding == Finding::undecided; });
    auto const level = std::find_if(open->levels.begin(), open->levels.end(),
                                    [](auto const& l) { return l.finding == Finding::undecided; });
    return fmt::format("No verdict yet: at {} runners {}.", level->runners, level->problem);
  }

  Assessment const& assessment_;
  Policy const& policy_;
  Comparisons const compared_;
  std::vector<int> required_;
  Verdict verdict_;
  std::vector<std::string> problems_;
  std::vector<CriterionEvidence> triggers_;
  std::vector<std::string> elsewhere_;                 // variants of the same backend where a trigger is met
  std::vector<std::string> removals_, others_remove_;  // sentences: queues, and other backends, that remove a trigger
  CriterionEvidence const* unremoved_ = nullptr;
  std::optional<BetterQueue> better_;
  TrialResult const* shortage_ = nullptr;
};

}  // namespace

Verdict decide(Assessment const& assessment, Policy const& policy) { return Judge{assessment, policy}.verdict(); }

}  // namespace assay
