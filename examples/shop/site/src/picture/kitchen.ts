import { PAPER, WOOD, WOOD_DARK } from "./palette.ts";
import { box, circle, type Drawing, line, oval, path, times, turned } from "./pen.ts";

export const kitchen: { readonly [shape: string]: Drawing } = {
  board: (p) => [
    turned(
      18,
      box([108, 30, 24, 52, 12], p.main),
      box([74, 72, 92, 118, 20], p.dark),
      box([72, 68, 92, 118, 20], p.main),
      circle(120, 46, 6, p.back),
      line("M88 92 C104 88 132 96 150 90", p.dark, 2),
      line("M86 118 C108 110 128 124 152 114", p.dark, 2),
      line("M88 146 C108 138 130 152 150 142", p.dark, 2),
      line("M92 168 C110 164 128 172 146 166", p.dark, 2),
    ),
  ],
  kettle: (p) => [
    line("M84 96 C84 42 156 42 156 96", p.accent, 7),
    path("M166 118 C182 116 186 104 194 92 L204 98 C196 122 190 142 168 150Z", p.dark),
    path(
      "M76 104 C76 92 164 92 164 104 L176 164 C178 182 166 190 150 190 H90 C74 190 62 182 64 164Z",
      p.main,
    ),
    path(
      "M164 104 L176 164 C178 182 166 190 150 190 H126 C150 178 152 140 142 96 C156 97 164 100 164 104Z",
      p.dark,
    ),
    oval(120, 100, 36, 8, p.light),
    circle(120, 90, 8, p.accent),
    line("M80 128 C78 142 76 152 76 162", p.light, 5),
  ],
  pot: (p) => [
    box([40, 120, 30, 14, 7], p.dark),
    box([170, 120, 30, 14, 7], p.dark),
    path("M58 108 H182 V160 C182 180 168 190 152 190 H88 C72 190 58 180 58 160Z", p.main),
    path("M182 108 V160 C182 180 168 190 152 190 H132 C152 182 158 172 158 156 V108Z", p.dark),
    path("M56 108 C56 84 184 84 184 108Z", p.light),
    line("M56 108 H184", p.dark, 5),
    circle(120, 82, 9, p.accent),
    line("M72 124 V152", p.light, 5),
  ],
  mill: (p) => [
    circle(120, 44, 13, p.accent),
    path("M98 84 C98 62 142 62 142 84 L136 94 H104Z", p.main),
    path("M104 98 H136 C132 120 150 146 152 190 H88 C90 146 108 120 104 98Z", p.main),
    path("M136 98 C132 120 150 146 152 190 H126 C134 160 130 120 124 98Z", p.dark),
    path("M142 84 L136 94 H122 C128 84 126 74 122 68 C134 68 142 74 142 84Z", p.dark),
    box([102, 92, 36, 7, 3], p.accent),
    line("M92 176 H148", p.light, 3),
  ],
  jar: (p) => [
    box([82, 76, 76, 114, 18], `${p.light}`),
    box([82, 118, 76, 72, 18], p.main),
    box([82, 118, 76, 30], p.main),
    ...times(9).map((i) => circle(94 + (i % 5) * 13, 126 + Math.floor(i / 5) * 46, 4, p.dark)),
    box([92, 134, 56, 32, 4], PAPER),
    line("M102 146 H138", p.dark, 3),
    line("M102 156 H126", p.dark, 3),
    box([88, 56, 64, 22, 6], WOOD),
    box([88, 70, 64, 8, 4], WOOD_DARK),
    line("M92 90 V110", "#ffffff99", 5),
  ],
};
