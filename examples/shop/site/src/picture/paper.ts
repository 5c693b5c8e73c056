import { s } from "../dom.ts";
import { PAPER, WOOD } from "./palette.ts";
import { box, circle, type Drawing, line, path, times, turned } from "./pen.ts";

export const paper: { readonly [shape: string]: Drawing } = {
  notebook: (p) => [
    turned(
      -8,
      box([80, 50, 92, 136, 6], PAPER),
      box([74, 46, 92, 136, 8], p.main),
      box([74, 46, 16, 136, 6], p.dark),
      box([104, 72, 46, 28, 3], PAPER),
      line("M112 82 H142 M112 90 H132", p.dark, 3),
      line("M154 46 V182", p.accent, 4),
    ),
  ],
  letters: (p) => [
    turned(
      8,
      box([66, 58, 112, 78, 4], PAPER),
      line("M80 76 H140 M80 90 H156 M80 104 H124", p.light, 3),
    ),
    turned(
      -6,
      box([58, 102, 124, 84, 5], p.main),
      path("M58 107 L120 156 L182 107 V102 H58Z", p.light),
      line("M58 107 L120 156 L182 107", p.dark, 2),
      circle(120, 152, 11, p.accent),
    ),
  ],
  print: (p) => [
    box([66, 34, 108, 148, 3], p.dark),
    box([72, 40, 96, 136], PAPER),
    box([82, 52, 76, 100], p.light),
    circle(134, 82, 14, p.accent),
    path("M82 120 C98 100 112 104 126 116 C138 104 150 108 158 114 V152 H82Z", p.main),
    path("M82 136 C104 120 128 138 158 130 V152 H82Z", p.dark),
  ],
  pencils: (p) => [
    ...times(6).map((i) =>
      pencil(54 + i * 23, 60 + ((i * 7) % 18), [p.main, p.accent, p.dark][i % 3] ?? p.main),
    ),
  ],
  calendar: (p) => [
    box([64, 52, 112, 138, 5], PAPER),
    box([64, 52, 112, 44, 5], p.main),
    line("M64 84 C88 68 104 90 128 78 C148 68 162 82 176 76", p.light, 4),
    circle(150, 66, 7, p.accent),
    ...times(20).map((i) =>
      box(
        [76 + (i % 5) * 19, 108 + Math.floor(i / 5) * 19, 11, 11, 2],
        i === 7 ? p.accent : p.back,
      ),
    ),
    line("M92 46 V58 M120 46 V58 M148 46 V58", p.dark, 4),
  ],
};

const pencil = (x: number, top: number, colour: string): SVGElement =>
  s(
    "g",
    null,
    path(`M${x} ${top + 22} L${x + 8} ${top} L${x + 16} ${top + 22}Z`, WOOD),
    path(`M${x + 5} ${top + 8} L${x + 8} ${top} L${x + 11} ${top + 8}Z`, "#3b3a38"),
    box([x, top + 22, 16, 168 - top], colour),
    box([x + 10, top + 22, 6, 168 - top], "#00000022"),
  );
