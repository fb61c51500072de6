// What is offered, again and to whom, and what ends it.
#include "reference_coordinator/claim_core/offers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Claim> claims(std::initializer_list<std::uint64_t> numbers) {
  std::vector<Claim> claims;
  for (auto const number : numbers) {
    Claim& claim = claims.emplace_back();
    claim.run.bytes[15] = static_cast<std::uint8_t>(number);
    claim.token = {7, number};
  }
  return claims;
}

std::vector<ClaimRef> about(std::initializer_list<std::uint64_t> numbers) {
  std::vector<ClaimRef> references;
  for (Claim const& claim : claims(numbers)) references.push_back({claim.run, claim.token});
  return references;
}

template <class Claims>
std::vector<std::uint64_t> numbers(Claims const& claims) {
  std::vector<std::uint64_t> numbers;
  for (auto const& claim : claims) numbers.push_back(claim.token.counter);
  return numbers;
}

TEST(Offers, AreTakenByTheRunnerThatTheyWereMadeToAndOnce) {
  Offers offers;
  offers.add("a", claims({1, 2}));
  offers.add("b", claims({3}));
  EXPECT_THAT(offers.take("c"), IsEmpty());
  EXPECT_THAT(numbers(offers.take("a")), ElementsAre(1, 2));
  EXPECT_THAT(offers.take("a"), IsEmpty());
  EXPECT_THAT(numbers(offers.take("b")), ElementsAre(3));
}

TEST(Offers, OfOneAnswerAreReceivedTogether) {
  Offers offers;
  offers.add("a", claims({1, 2, 3}));
  EXPECT_THAT(offers.received("b", about({2})), IsEmpty()) << "it is not this runner's";
  EXPECT_THAT(offers.received("a", about({9})), IsEmpty()) << "it is about something else";
  EXPECT_THAT(offers.received("a", {}), IsEmpty());
  EXPECT_THAT(numbers(offers.received("a", about({9, 2, 3}))), ElementsAre(1));
  EXPECT_THAT(offers.take("a"), IsEmpty());
}

TEST(Offers, OfAnEarlierAnswerAreLeftToTheirLease) {
  Offers offers;
  offers.add("a", claims({1}));
  offers.add("a", claims({2}));
  EXPECT_THAT(offers.received("a", about({1})), IsEmpty());
  EXPECT_THAT(numbers(offers.take("a")), ElementsAre(2));
}

}  // namespace
}  // namespace assay
