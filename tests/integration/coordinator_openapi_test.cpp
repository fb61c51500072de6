// docs/openapi.yaml against the running program: what it documents is served as documented, what is served is
// documented.
#include "reference_coordinator/http/routes.hpp"
#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>
#include <boost/json.hpp>

#include <map>
#include <set>

namespace assay::test {
namespace {

namespace json = boost::json;

class Description {
 public:
  Description() : root_{YAML::LoadFile(ASSAY_OPENAPI)} {}

  // Follows a "$ref" to its target.
  YAML::Node resolve(YAML::Node node) const {
    while (node["$ref"]) {
      auto const path = node["$ref"].as<std::string>();
      YAML::Node target = YAML::Clone(root_);
      std::size_t start = path.find('/') + 1;
      while (start != 0) {
        std::size_t const end = path.find('/', start);
        target = target[path.substr(start, end == std::string::npos ? end : end - start)];
        start = end == std::string::npos ? 0 : end + 1;
      }
      if (!target) throw std::runtime_error{path + " leads nowhere"};
      node.reset(target);
    }
    return node;
  }

  YAML::Node operation(Route const& route) const {
    std::string method{std::string_view{boost::beast::http::to_string(route.method)}};
    std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return std::tolower(c); });
    return root_["paths"][std::string{route.path}][method];
  }

  YAML::Node root() const { return root_; }

 private:
  YAML::Node root_;
};

// Plain scalars that read as numbers or truth values are those; quoted ones are strings.
json::value to_json(YAML::Node const& node) {
  if (node.IsMap()) {
    json::object object;
    for (auto const& entry : node) object[entry.first.as<std::string>()] = to_json(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    json::array array;
    for (auto const& item : node) array.push_back(to_json(item));
    return array;
  }
  std::int64_t number = 0;
  if (node.Tag() != "!" && YAML::convert<std::int64_t>::decode(node, number)) return number;
  return json::value(node.as<std::string>());
}

std::string example_of(YAML::Node const& content) {
  if (!content["content"]) return "";
  YAML::Node const media = content["content"]["application/json"];
  return media && media["example"] ? json::serialize(to_json(media["example"])) : "";
}

// Why the example of a request or an answer is none; "" when it decodes.
template <class T>
std::string problem_of(Result<T> const& decoded) {
  return decoded ? "" : decoded.error().detail;
}

std::string request_problem(Endpoint endpoint, std::string const& body) {
  switch (endpoint) {
    case Endpoint::submit: return problem_of(protocol::decode_submission(body));
    case Endpoint::submit_batch: return problem_of(protocol::decode_submission_batch(body));
    case Endpoint::start: return problem_of(protocol::decode_start(body));
    case Endpoint::status: return problem_of(protocol::decode_status_report(body));
    case Endpoint::heartbeat: return problem_of(protocol::decode_heartbeat(body));
    default: return body.empty() ? "" : "a body where none is read";
  }
}

std::string answer_problem(Endpoint endpoint, unsigned status, std::string const& body) {
  bool const outcome = endpoint == Endpoint::start || endpoint == Endpoint::status;
  if (outcome && (status == 200 || status == 404 || status == 409)) return problem_of(protocol::decode_outcome(body));
  if (status >= 400) {
    auto const told = protocol::decode_error(body);
    return told.kind == ErrorKind::broken_protocol ? told.detail : "";
  }
  switch (endpoint) {
    case Endpoint::submit: return problem_of(protocol::decode_submission_answer(body));
    case Endpoint::submit_batch: return problem_of(protocol::decode_submission_answers(body));
    case Endpoint::find: return problem_of(protocol::decode_run_view(body));
    case Endpoint::poll: return problem_of(protocol::decode_assigned_runs(body));
    case Endpoint::heartbeat: return problem_of(protocol::decode_heartbeat_answer(body));
    case Endpoint::stats: return problem_of(protocol::decode_stats(body));
    default: return body.empty() ? "nothing" : "";
  }
}

std::string target_of(Description const& description, Route const& route) {
  std::string target{route.path};
  if (auto const at = target.find("{id}"); at != std::string::npos) {
    target.replace(at, 4, "018f2d3a-7b1c-7def-8123-456789abcdef");
  }
  char separator = '?';
  for (auto const& parameter : description.operation(route)["parameters"]) {
    YAML::Node const resolved = description.resolve(parameter);
    if (resolved["in"].as<std::string>() != "query") continue;
    target +=
        fmt::format("{}{}={}", separator, resolved["name"].as<std::string>(), resolved["example"].as<std::string>());
    separator = '&';
  }
  return target;
}

std::string_view token_of(Caller caller) {
  return caller == Caller::anyone ? "" : caller == Caller::runner ? linux_runner : submitter;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  Description const description;
  std::set<std::string> served, described;
  for (auto const& route : routes()) served.insert(to_string(route));
  for (auto const& path : description.root()["paths"]) {
    for (auto const& operation : path.second) {
      auto method = operation.first.as<std::string>();
      std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return std::toupper(c); });
      described.insert(method + " " + path.first.as<std::string>());
    }
  }
  EXPECT_EQ(served, described);
}

TEST(OpenApi, ItsExamplesDecode) {
  Description const description;
  for (auto const& route : routes()) {
    YAML::Node const operation = description.operation(route);
    ASSERT_TRUE(operation) << to_string(route);
    YAML::Node const body = operation["requestBody"];
    EXPECT_EQ(request_problem(route.endpoint, body ? example_of(body) : ""), "") << to_string(route);
    for (auto const& response : operation["responses"]) {
      YAML::Node const resolved = description.resolve(response.second);
      EXPECT_FALSE(resolved["description"].as<std::string>().empty());
      std::string const example = example_of(resolved);
      auto const status = response.first.as<unsigned>();
      bool const exempt = route.endpoint == Endpoint::stats || route.endpoint == Endpoint::metrics ||
                          (route.endpoint == Endpoint::push && status == 101);
      if (exempt && example.empty()) continue;
      EXPECT_EQ(answer_problem(route.endpoint, status, example), "")
          << to_string(route) << " " << status << " " << example;
    }
  }
}

TEST(OpenApi, EveryOperationIsServedAndAnswersWithADocumentedStatus) {
  Description const description;
  Coordinator coordinator;
  Client client = coordinator.client();
  auto const documented = [&](Route const& route, Reply const& reply) {
    YAML::Node const response = description.operation(route)["responses"][std::to_string(reply.result_int())];
    EXPECT_TRUE(response) << to_string(route) << " answers " << reply.result_int() << ", which is not documented";
    if (route.endpoint != Endpoint::metrics) {
      EXPECT_EQ(answer_problem(route.endpoint, reply.result_int(), reply.body()), "")
          << to_string(route) << reply.body();
      EXPECT_EQ(reply[http::field::content_type], "application/json");
    }
  };
  for (auto const& route : routes()) {
    YAML::Node const body = description.operation(route)["requestBody"];
    std::string const example = body ? example_of(body) : "";
    std::string const target = target_of(description, route);
    documented(route, client.ask(route.method, target, token_of(route.caller), example));
    if (body) documented(route, client.ask(route.method, target, token_of(route.caller), "{"));
    if (route.caller != Caller::anyone) documented(route, client.ask(route.method, target, "nobody's", example));
    if (route.caller == Caller::runner) documented(route, client.ask(route.method, target, submitter, example));
    if (route.caller == Caller::submitter) documented(route, client.ask(route.method, target, linux_runner, example));
    if (body) {
      Client large = coordinator.client();
      documented(route, large.ask(route.method, target, token_of(route.caller), std::string(1024 * 1024 + 1, ' ')));
    }
  }
}

}  // namespace
}  // namespace assay::test
