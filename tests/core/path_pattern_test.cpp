#include <doctest/doctest.h>

#include <string>

#include <nyala/error.hpp>
#include <nyala/path_pattern.hpp>

#include "support/hostile_time.hpp"

using nyala::PathPattern;

TEST_CASE("a path pattern is searched for in a path or has to fit all of it") {
  const PathPattern plain("dense", "Test");
  CHECK(plain.found_in("model/dense_1/kernel"));
  CHECK_FALSE(plain.fits("model/dense"));
  CHECK(plain.fits("dense"));
  const PathPattern any("^block_[0-9]+/(query|key)$", "Test");
  CHECK(any.found_in("block_12/key"));
  CHECK_FALSE(any.found_in("block_12/key_2"));
  CHECK(PathPattern(".*attention.*/query", "Test").fits("backbone/layer_11/self_attention/attention/query"));
  CHECK(PathPattern("a\\*\\)+[)*]*", "Test").fits("a*))*)"));
}

TEST_CASE("a path pattern that could take for ever is refused") {
  const auto refused = [](const std::string& text, const char* why) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(PathPattern(text, "Test"), doctest::Contains(why), nyala::Error);
  };
  refused("(a*)*b", "Test: the path \"(a*)*b\" repeats a group, which can take for ever");
  refused("(a)\\1", "Test: the path \"(a)\\1\" refers back to a group, which is not supported");
  refused("[a", "Test: the path \"[a\" is no regular expression: ");
  refused(std::string(201, '.'), "is an expression of over 200 characters");
  const PathPattern costly("a*a*a*a*b", "Test");
  CHECK(costly.found_in("aab"));
  CHECK_THROWS_WITH_AS(costly.found_in(std::string(200, 'a')),
                       doctest::Contains("could take too long; it has 4 repetitions"), nyala::Error);
  // Each path is cheap enough, all of them together are not.
  const PathPattern often(".*a.*a.*c", "Test");
  const hostile::Stopwatch watch;
  const auto try_many = [&] {
    for (int i = 0; i < 1'000'000; ++i) (void)often.found_in(std::string(60, 'a'));
  };
  CHECK_THROWS_WITH_AS(try_many(), doctest::Contains("could take too long; it has 3 repetitions"), nyala::Error);
  CHECK(watch.seconds() < 2 * hostile::seconds_at_most);
}
