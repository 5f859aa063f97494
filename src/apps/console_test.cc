#include "apps/console.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(FormatProgressTest, TellsHowFarItIs) {
  EXPECT_EQ(FormatProgress({3, 12, "scans/page-004.png", 142.6, 30}, 100),
            "[#####...............] 3/12  scans/page-004.png  143 tokens/s  ETA 1:30");
  EXPECT_EQ(FormatProgress({0, 2, "a.png", 0, 0}, 100), "[....................] 0/2  a.png");
  EXPECT_EQ(FormatProgress({2, 2, "", 5, 8000}, 100), "[####################] 2/2  5 tokens/s");
  EXPECT_EQ(FormatProgress({1, 3, "", 0, 4000}, 100), "[######..............] 1/3  ETA 2:13:20");
  EXPECT_EQ(FormatProgress({100, 300, "out", 0, 5, "MB"}, 100),
            "[######..............] 100/300 MB  out  ETA 0:10");
}

TEST(FormatProgressTest, KeepsToTheWidth) {
  EXPECT_EQ(FormatProgress({0, 12, "ein/sehr/länglicher/Pfad.png", 0, 0}, 42),
            "[....................] 0/12  …her/Pfad.png");
  EXPECT_EQ(FormatProgress({3, 12, "page.png", 142.6, 30}, 60),
            "[#####...............] 3/12  …ge.png  143 tokens/s  ETA 1:30");
  EXPECT_EQ(FormatProgress({3, 12, "page.png", 142.6, 30}, 20), "[#####..............");
}

TEST(PrintableTest, ControlCharactersDoNotReachATerminal) {
  EXPECT_EQ(Printable("a\tb\nä 二 –"), "a\tb\nä 二 –");
  EXPECT_EQ(Printable("\x1b[2Jx\r\x7f"), "\uFFFD[2Jx\uFFFD\uFFFD");
  EXPECT_EQ(Printable("\u009b2J\u00a0"), "\uFFFD2J\u00a0");
  EXPECT_EQ(Printable("cut \xC2"), "cut \xC2");
}

}  // namespace
}  // namespace mao
