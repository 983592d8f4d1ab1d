#include <doctest/doctest.h>

#include <string>

#include <nyala/nyala.hpp>

TEST_CASE("names out of files do not steer a terminal") {
  nyala::Sequential model{nyala::Input({2}), nyala::Dense(1, {.name = "a\x1b[31mb"})};
  CHECK(model.summary_text().find('\x1b') == std::string::npos);
  CHECK(model.summary_text().find("a\\x1b[31mb") != std::string::npos);
  try {
    model(nyala::zeros({1, 3}));
    FAIL("a wrong shape was taken");
  } catch (const nyala::Error& error) {
    CHECK(std::string(error.what()).find('\x1b') == std::string::npos);
  }
}
