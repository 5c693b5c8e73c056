import { GLOW, PAPER } from "./palette.ts";
import { box, circle, type Drawing, line, oval, path, times } from "./pen.ts";

export const lighting: { readonly [shape: string]: Drawing } = {
  pendant: (p) => [
    path("M72 132 L40 214 H200 L168 132Z", `${GLOW}66`),
    line("M120 0 V70", p.dark, 3),
    box([112, 62, 16, 14, 4], p.accent),
    path("M62 132 C62 92 88 74 120 74 C152 74 178 92 178 132Z", p.main),
    path("M178 132 C178 92 152 74 120 74 C142 84 152 104 154 132Z", p.dark),
    oval(120, 132, 58, 8, p.light),
    circle(120, 136, 13, GLOW),
  ],
  lamp: (p) => [
    path("M88 116 L62 190 H178 L152 116Z", `${GLOW}66`),
    line("M120 116 V180", p.accent, 6),
    oval(120, 186, 34, 7, p.accent),
    path("M92 52 H148 L172 118 H68Z", p.main),
    path("M132 52 H148 L172 118 H146Z", p.dark),
    line("M84 74 L76 108", p.light, 4),
    oval(120, 118, 52, 6, p.light),
  ],
  globe: (p) => [
    line("M120 0 V52", p.dark, 3),
    circle(120, 118, 74, `${GLOW}77`),
    circle(120, 118, 64, p.light),
    ...times(7).map((i) => rib(68 + Math.abs(3 - i) * 7, 76 + i * 14, p.main)),
    box([106, 50, 28, 8, 3], p.accent),
    box([108, 178, 24, 6, 3], p.accent),
  ],
  candles: (p) => [
    circle(96, 60, 22, `${GLOW}88`),
    circle(146, 88, 22, `${GLOW}88`),
    path("M96 46 C104 58 103 68 96 70 C89 68 88 58 96 46Z", "#e8a13c"),
    path("M146 74 C154 86 153 96 146 98 C139 96 138 86 146 74Z", "#e8a13c"),
    box([86, 74, 20, 102, 4], p.main),
    box([98, 74, 8, 102, 4], p.dark),
    box([136, 102, 20, 74, 4], p.light),
    box([148, 102, 8, 74, 4], p.main),
    path("M70 174 H122 L116 190 H76Z", p.accent),
    path("M122 174 H170 L164 190 H128Z", p.accent),
  ],
  lantern: (p) => [
    line("M96 70 C96 34 144 34 144 70", p.dark, 5),
    path("M84 76 L120 54 L156 76Z", p.main),
    box([82, 76, 76, 104, 6], p.main),
    box([92, 86, 56, 84, 4], PAPER),
    circle(120, 130, 30, `${GLOW}aa`),
    path("M120 104 C130 118 129 130 120 132 C111 130 110 118 120 104Z", "#e8a13c"),
    box([108, 134, 24, 36, 3], p.light),
    line("M120 86 V102", p.dark, 2),
    box([76, 178, 88, 12, 4], p.dark),
  ],
};

/** A wire of the paper globe, from `left` to its mirror image. */
const rib = (left: number, y: number, colour: string): SVGElement =>
  line(`M${left} ${y} C100 ${y + 8} 140 ${y + 8} ${240 - left} ${y}`, colour, 2);
