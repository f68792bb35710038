// Problems for the tests of Winograd convolution: of every kind of window, border, layout and number of features.
#pragma once

#include <vector>

#include "conv_reference.h"

namespace cotangent::testing {

inline const Letters kLast{"NHWC", "HWIO", "NHWC"}, kFirst{"NCHW", "OIHW", "NCHW"};
inline const Letters kLine{"NWC", "WIO", "NWC"}, kPlaneLine{"NCW", "OIW", "NCW"};
inline const Letters kVolume{"NDHWC", "DHWIO", "NDHWC"}, kPlaneVolume{"NCDHW", "OIDHW", "NCDHW"};

inline std::vector<ConvCase> winograd_cases() {
  const Letters swapped_last{"NHWC", "HWOI", "NHWC"}, swapped_first{"NCHW", "IOHW", "NCHW"};
  const Pads same{{1, 1}, {1, 1}};
  return {
      // whole vectors and tails of channels, both layouts and others
      padded(plain({2, 13, 11, 32}, {3, 3, 32, 24}, kLast), same),
      padded(plain({2, 14, 19, 15}, {35, 14, 3, 3}, kFirst), {{1, 2}, {0, 1}}),
      padded(plain({2, 9, 16, 5}, {3, 3, 5, 7}, kLast), same),
      padded(plain({2, 32, 12, 12}, {32, 32, 3, 3}, kFirst), same),
      plain({2, 12, 10, 20}, {18, 20, 3, 3}, {"NHWC", "OIHW", "NCHW"}),
      plain({2, 20, 12, 10}, {3, 3, 20, 18}, {"NCHW", "HWIO", "NHWC"}),
      plain({12, 10, 20, 2}, {20, 3, 17, 3}, {"HWCN", "IHOW", "WNCH"}),
      // borders: asymmetric and negative padding, one pixel, windows in the padding alone
      padded(plain({1, 10, 12, 16}, {3, 3, 16, 16}, kLast), {{-2, 3}, {4, -1}}),
      padded(plain({1, 1, 1, 16}, {3, 3, 16, 16}, kLast), same),
      padded(plain({1, 16, 1, 2}, {16, 16, 3, 3}, kFirst), {{1, 1}, {5, 6}}),
      padded(plain({70, 3, 3, 8}, {3, 3, 8, 8}, kLast), {{0, 0}, {0, 0}}),
      padded(plain({3, 7, 7, 72}, {3, 3, 72, 40}, kLast), same),
      // other windows
      padded(plain({3, 9, 10, 20}, {5, 5, 20, 18}, kLast), {{2, 2}, {2, 2}}),
      padded(plain({3, 20, 9, 14}, {18, 20, 5, 5}, kFirst), {{2, 1}, {2, 3}}),
      padded(plain({2, 14, 15, 16}, {2, 2, 16, 24}, kLast), {{1, 0}, {0, 1}}),
      padded(plain({2, 14, 15, 16}, {4, 4, 16, 24}, kLast), {{1, 2}, {0, 1}}),
      // strides: 4x4 with 2, and windows that do not fill their phases
      strided(padded(plain({2, 16, 17, 16}, {4, 4, 16, 24}, kLast), same), {2, 2}),
      strided(padded(plain({2, 12, 15, 18}, {20, 12, 4, 4}, kFirst), {{1, 2}, {0, 1}}), {2, 2}),
      strided(padded(plain({2, 15, 18, 12}, {5, 5, 12, 20}, kLast), {{2, 2}, {1, 2}}), {2, 2}),
      strided(padded(plain({2, 15, 18, 12}, {3, 3, 12, 20}, kLast), same), {2, 2}),
      strided(padded(plain({2, 15, 18, 12}, {3, 2, 12, 20}, kLast), same), {2, 1}),
      strided(padded(plain({1, 25, 26, 8}, {7, 9, 8, 8}, kLast), {{3, 3}, {4, 3}}), {3, 3}),
      // input gradients: kernels with swapped features, and dilated inputs
      padded(plain({2, 12, 12, 40}, {3, 3, 24, 40}, swapped_last), same),
      padded(plain({2, 40, 12, 12}, {40, 24, 3, 3}, swapped_first), same),
      spread(padded(plain({2, 9, 10, 40}, {4, 4, 24, 40}, swapped_last), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 24, 9, 10}, {24, 18, 4, 4}, swapped_first), {{1, 2}, {2, 3}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 9, 10, 16}, {4, 4, 3, 16}, swapped_last), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 9, 10, 8}, {5, 6, 8, 8}, kLast), {{3, 2}, {4, 2}}), {2, 2}, {1, 1}),
      spread(padded(plain({2, 9, 10, 8}, {7, 8, 8, 8}, kLast), {{3, 2}, {4, -2}}), {3, 3}, {1, 1}),
      // dilation
      spread(padded(plain({2, 17, 18, 16}, {3, 3, 16, 16}, kLast), {{2, 2}, {2, 2}}), {1, 1}, {2, 2}),
      spread(padded(plain({2, 16, 17, 18}, {16, 16, 3, 3}, kFirst), {{3, 3}, {2, 1}}), {1, 1}, {3, 2}),
      // groups
      feature_groups(padded(plain({2, 12, 13, 24}, {3, 3, 8, 30}, kLast), same), 3),
      feature_groups(padded(plain({2, 24, 12, 13}, {30, 8, 3, 3}, kFirst), same), 3),
      batch_groups(padded(plain({6, 12, 11, 24}, {3, 3, 24, 30}, kLast), same), 3),
      // other ranks
      padded(plain({2, 5, 10, 11, 12}, {3, 3, 3, 12, 10}, kVolume), {{1, 1}, {1, 0}, {1, 1}}),
      padded(plain({2, 12, 5, 10, 11}, {10, 12, 3, 3, 3}, kPlaneVolume), {{1, 1}, {1, 0}, {1, 1}}),
      strided(padded(plain({2, 5, 10, 11, 8}, {4, 4, 4, 8, 8}, kVolume), {{1, 1}, {1, 1}, {1, 1}}), {2, 2, 2}),
      padded(plain({1, 8, 3, 4, 7, 6}, {8, 8, 2, 1, 3, 3}, {"NCXYZW", "OIXYZW", "NCXYZW"}),
             {{1, 0}, {0, 0}, {1, 1}, {1, 1}}),
      // one axis, folded: windows that are squares and parts of them, in whole vectors and not, with several rows of
      // tiles, at borders that no tile fills, in phases and grids, and windows too large on one of several axes
      padded(plain({2, 61, 16}, {9, 16, 32}, kLine), {{4, 4}}),
      padded(plain({3, 18, 50}, {17, 18, 7}, kPlaneLine), {{3, 3}}),
      padded(plain({2, 90, 32}, {13, 32, 48}, kLine), {{5, 6}}),
      padded(plain({2, 16, 83}, {16, 16, 25}, kPlaneLine), {{12, 12}}),
      padded(plain({1, 9, 16}, {9, 16, 16}, kLine), {{8, 8}}),
      padded(plain({2, 40, 16}, {4, 16, 16}, kLine), {{-3, 9}}),
      strided(padded(plain({2, 65, 16}, {15, 16, 20}, kLine), {{7, 7}}), {2}),
      spread(padded(plain({2, 16, 40}, {20, 16, 9}, kPlaneLine), {{8, 8}}), {1}, {3}),
      spread(padded(plain({2, 30, 16}, {16, 16, 16}, kLine), {{7, 8}}), {2}, {1}),
      feature_groups(padded(plain({2, 70, 32}, {8, 16, 32}, kLine), {{4, 3}}), 2),
      padded(plain({2, 12, 30, 16}, {7, 7, 16, 16}, kLast), {{3, 3}, {3, 3}}),
      padded(plain({2, 14, 11, 26}, {12, 14, 2, 9}, kFirst), {{1, 0}, {4, 4}}),
      padded(plain({1, 5, 16, 6, 16}, {3, 8, 2, 16, 16}, kVolume), {{1, 1}, {4, 3}, {1, 0}}),
      padded(plain({2, 700, 256}, {9, 256, 256}, kLine), {{4, 4}}),
      // one axis alone, of short windows: sequences, windows that are no squares, slices of which one axis is tiled
      padded(plain({2, 61, 32}, {3, 32, 48}, kLine), {{1, 1}}),
      padded(plain({3, 18, 50}, {17, 18, 3}, kPlaneLine), {{2, 0}}),
      padded(plain({2, 40, 16}, {5, 16, 16}, kLine), {{-1, 4}}),
      spread(padded(plain({2, 40, 16}, {2, 16, 20}, kLine), {{8, 0}}), {1}, {8}),
      strided(padded(plain({2, 41, 16}, {4, 16, 20}, kLine), {{1, 1}}), {2}),
      padded(plain({2, 9, 30, 16}, {1, 3, 16, 16}, kLast), {{0, 0}, {1, 1}}),
      padded(plain({2, 14, 30, 9}, {12, 14, 3, 1}, kFirst), {{1, 1}, {0, 0}}),
      padded(plain({2, 13, 20, 16}, {2, 5, 16, 24}, kLast), {{1, 0}, {2, 2}}),
      padded(plain({1, 300, 256}, {3, 256, 512}, kLine), {{1, 1}}),
      // an axis that slides: in pieces, with strides, with tiles of several images, few and many channels
      padded(plain({1, 90, 8, 7, 64}, {3, 3, 3, 64, 32}, kVolume), {{1, 1}, {1, 1}, {1, 1}}),
      padded(plain({3, 21, 33, 6, 5}, {16, 21, 4, 3, 3}, kPlaneVolume), {{2, 3}, {1, 1}, {1, 1}}),
      strided(padded(plain({2, 23, 12, 9, 16}, {4, 3, 3, 16, 24}, kVolume), {{1, 2}, {1, 1}, {1, 0}}), {2, 1, 1}),
      strided(padded(plain({1, 161, 4, 4, 64}, {3, 3, 3, 64, 32}, kVolume), {{1, 1}, {1, 1}, {1, 1}}), {2, 1, 1}),
      padded(plain({5, 4, 4, 5, 16}, {2, 3, 3, 16, 16}, kVolume), {{-1, 2}, {1, 1}, {1, 1}}),
      feature_groups(padded(plain({2, 6, 9, 9, 32}, {3, 3, 3, 16, 32}, kVolume), {{1, 1}, {1, 1}, {1, 1}}), 2),
      padded(plain({1, 7, 9, 8, 176}, {3, 3, 3, 176, 240}, kVolume), {{1, 1}, {1, 1}, {1, 1}}),
      padded(plain({1, 144, 30, 8, 8}, {80, 144, 3, 3, 3}, kPlaneVolume), {{1, 1}, {1, 1}, {1, 1}}),
      padded(plain({2, 50, 40, 20}, {7, 8, 20, 18}, kLast), {{3, 3}, {4, 3}}),
      // many channels: everything for all tiles at once
      padded(plain({2, 7, 7, 256}, {3, 3, 256, 256}, kLast), same),
      padded(plain({2, 256, 7, 7}, {256, 256, 3, 3}, kFirst), same),
      feature_groups(padded(plain({3, 14, 14, 272}, {3, 3, 136, 528}, kLast), same), 2),
      // phases of few features, which share vectors: of one axis, folded or not, of two, of three, in either layout,
      // beyond borders
      strided(padded(plain({2, 65, 5}, {15, 5, 20}, kLine), {{7, 7}}), {2}),
      strided(padded(plain({2, 3, 83}, {17, 3, 25}, kPlaneLine), {{12, -3}}), {2}),
      strided(padded(plain({2, 41, 3}, {4, 3, 20}, kLine), {{1, 1}}), {2}),
      strided(padded(plain({2, 23, 22, 3}, {7, 7, 3, 20}, kLast), {{3, 2}, {2, 3}}), {2, 2}),
      strided(padded(plain({2, 3, 17, 20}, {18, 3, 5, 5}, kFirst), {{-1, 6}, {9, -2}}), {3, 3}),
      strided(padded(plain({1, 9, 10, 11, 2}, {4, 4, 4, 2, 16}, kVolume), {{1, 1}, {1, 2}, {2, 1}}), {2, 2, 2}),
      feature_groups(strided(padded(plain({2, 14, 13, 6}, {4, 4, 3, 32}, kLast), same), {2, 2}), 2),
      // five points: phases and windows of which tiles of 4, 3 and 2 outputs waste least, with 512 channels too
      strided(padded(plain({2, 16, 16, 512}, {4, 4, 512, 24}, kLast), same), {2, 2}),
      strided(padded(plain({3, 20, 8, 24}, {18, 20, 4, 4}, kFirst), same), {2, 2}),
      spread(padded(plain({2, 7, 7, 512}, {4, 4, 20, 512}, swapped_last), {{2, 2}, {2, 2}}), {2, 2}, {1, 1}),
      padded(plain({2, 3, 9, 512}, {3, 3, 512, 20}, kLast), same),
      padded(plain({2, 20, 6, 5}, {18, 20, 3, 3}, kFirst), same),
      padded(plain({3, 2, 4, 48}, {4, 4, 48, 33}, kLast), {{1, 2}, {2, 1}}),
  };
}

}  // namespace cotangent::testing
