#include <doctest/doctest.h>

#include <limits>
#include <sstream>

#include <nyala/error.hpp>

#include "model/progress_bar.hpp"

using nyala::Logs;
using nyala::detail::Console;
using nyala::detail::ProgressBar;

namespace {

struct Screen {
  std::ostringstream out;
  double time = 100.0;

  Console console(bool terminal, bool color = false, bool utf8 = true, int columns = 120) {
    return {.out = &out, .terminal = terminal, .color = color, .utf8 = utf8, .columns = columns, .seconds = [this] {
              return time;
            }};
  }
};

}  // namespace

TEST_CASE("elsewhere than on a terminal one line per epoch is printed") {
  Screen screen;
  ProgressBar bar(std::nullopt, 469, "fit", screen.console(false));
  CHECK(bar.verbose() == 2);
  bar.begin_epoch(0, 3);
  CHECK_FALSE(bar.due());
  screen.time += 0.5;
  bar.update(1, {});
  screen.time += 468 * 0.005;
  bar.finish(469, {{"loss", 0.3}, {"accuracy", 0.91}, {"val_loss", 0.28}, {"learning_rate", 1.25e-4}});
  CHECK(screen.out.str() ==
        "Epoch 1/3\n469/469 - 3s - 5ms/step - accuracy: 0.9100 - loss: 0.3000 - val_loss: 0.2800 - "
        "learning_rate: 1.2500e-04\n");
}

TEST_CASE("verbose = 1 without a terminal prints the same plain lines, verbose = 0 nothing") {
  for (const int verbose : {0, 1}) {
    Screen screen;
    ProgressBar bar(verbose, 2, "fit", screen.console(false));
    bar.begin_epoch(0, 1);
    bar.update(1, {});
    screen.time += 2.0;
    bar.update(2, {});
    bar.finish(2, {{"loss", 1.0}});
    CHECK(screen.out.str() == (verbose == 0 ? "" : "2/2 - 2s - 2s/step - loss: 1.0000\n"));
  }
}

TEST_CASE("on a terminal the bar is Keras'") {
  Screen screen;
  ProgressBar bar(std::nullopt, 40, "fit", screen.console(true, true));
  CHECK(bar.verbose() == 1);
  bar.begin_epoch(1, 2);
  screen.time += 0.01;
  CHECK(bar.due());
  bar.update(1, {{"loss", 2.0}});
  screen.time += 0.04;
  CHECK_FALSE(bar.due());
  bar.update(2, {});
  screen.time += 0.96;
  CHECK(bar.due());
  bar.update(11, {{"loss", 1.0}});
  bar.finish(40, {{"loss", 0.5}});
  const std::string dark = "\x1b[37m", green = "\x1b[32m", off = "\x1b[0m";
  const auto cells = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "━";
    return text;
  };
  const auto line = [&](const std::string& count, int done, const std::string& when, const std::string& rest) {
    const std::string part = done > 0 ? green + cells(done) + off : "";
    return "\r\x1b[1m" + count + off + " " + part + dark + cells(20 - done) + off + " \x1b[1m" + when + off + rest;
  };
  CHECK(screen.out.str() == "Epoch 2/2\n" + line(" 1/40", 0, "0s", " 10ms/step - loss: 2.0000") +
                                line("11/40", 5, "2s", " 100ms/step - loss: 1.0000") +
                                line("40/40", 20, "1s", " 26ms/step - loss: 0.5000 \n"));
}

TEST_CASE("without colours or UTF-8 the two parts of the bar differ in shape") {
  for (const bool utf8 : {true, false}) {
    Screen screen;
    ProgressBar bar(1, 4, "evaluate", screen.console(true, false, utf8));
    bar.begin();
    screen.time += 1.5;
    bar.finish(1, {});
    CHECK(screen.out.str() ==
          (utf8 ? "\r1/4 ━━━━━─────────────── 2s 2s/step\n" : "\r1/4 =====............... 2s 2s/step\n"));
  }
}

TEST_CASE("an unknown number of steps, long times, a narrow terminal, NaN") {
  Screen screen;
  {
    ProgressBar bar(1, std::nullopt, "fit", screen.console(true, false, true, 20));
    bar.begin_epoch(0, 1);
    screen.time += 2.0;
    bar.update(3, {{"loss", 1.0}});
    CHECK(screen.out.str() == "\r      3/Unknown 2s ");
    bar.finish(3, {{"loss", std::numeric_limits<double>::quiet_NaN()}});
    CHECK(screen.out.str().ends_with("\r3/3 ━━━━━━━━━━━━━━━━━━━━ 2s 667ms/step - loss: nan\n"));
  }
  screen.out.str("");
  {
    ProgressBar bar(1, 10000, "fit", screen.console(true));
    bar.begin_epoch(0, 1);
    screen.time += 1.0;
    bar.update(1, {});
    CHECK(screen.out.str() == "\r    1/10000 ──────────────────── 2:46:39 1s/step");
  }
  CHECK_MESSAGE(screen.out.str().back() == '\n', "an exception's message must begin on a line of its own");
}

TEST_CASE("verbose takes 0, 1 and 2") {
  Screen screen;
  CHECK_THROWS_WITH_AS(ProgressBar(3, 1, "fit", screen.console(false)), "fit: verbose must be 0, 1 or 2, got 3",
                       nyala::Error);
}
