import { s } from "../dom.ts";
import { LEAF, LEAF_DARK, LEAF_LIGHT, type Palette, WOOD_DARK } from "./palette.ts";
import { circle, type Drawing, line, oval, path, times } from "./pen.ts";

export const plants: { readonly [shape: string]: Drawing } = {
  monstera: (p) => [
    line("M120 150 C116 120 98 100 84 84", LEAF_DARK, 4),
    line("M120 150 C122 116 138 90 152 70", LEAF_DARK, 4),
    line("M120 150 C124 130 146 122 164 120", LEAF_DARK, 4),
    path("M84 96 C50 98 44 62 62 44 C92 44 108 68 84 96Z", LEAF),
    path("M148 82 C116 70 124 34 148 22 C174 38 178 70 148 82Z", LEAF_DARK),
    path("M158 128 C150 100 178 84 200 92 C206 118 186 136 158 128Z", LEAF_LIGHT),
    line("M82 92 L64 54 M76 78 L58 76 M72 68 L80 54", p.back, 3),
    line("M148 78 V32 M148 60 L134 50 M148 56 L162 46", p.back, 3),
    line("M162 124 L190 100 M176 112 L176 98", p.back, 3),
    ...pot(p),
  ],
  snake: (p) => [
    path("M98 150 C84 110 88 80 82 52 C104 78 110 118 112 150Z", LEAF),
    path("M112 150 C108 100 116 60 120 26 C134 66 134 112 128 150Z", LEAF_DARK),
    path("M126 150 C132 112 146 84 160 62 C164 96 152 128 142 150Z", LEAF),
    line("M86 66 C102 90 106 120 108 148", "#c9cf8f", 3),
    line("M121 40 C128 76 128 112 124 148", "#c9cf8f", 3),
    line("M157 74 C158 98 148 124 138 148", "#c9cf8f", 3),
    ...pot(p),
  ],
  cactus: (p) => [
    line("M98 118 H78 V88", LEAF_DARK, 20),
    line("M142 104 H164 V70", LEAF_DARK, 20),
    line("M120 150 V56", LEAF, 38),
    line("M111 146 V54 M129 146 V54", LEAF_LIGHT, 2),
    circle(120, 38, 8, p.accent),
    circle(164, 60, 5, p.accent),
    ...pot(p),
  ],
  olive: (p) => [
    line(
      "M120 152 C116 120 124 108 120 84 M120 112 C112 100 104 96 98 88 M120 104 C130 92 138 90 144 82",
      WOOD_DARK,
      5,
    ),
    circle(96, 72, 30, LEAF_LIGHT),
    circle(146, 70, 30, LEAF),
    circle(120, 50, 32, LEAF_LIGHT),
    ...times(9).map((i) => oval(84 + ((i * 29) % 76), 42 + ((i * 17) % 46), 7, 3.5, LEAF_DARK)),
    circle(104, 84, 4, p.accent),
    circle(140, 60, 4, p.accent),
    circle(122, 72, 4, p.accent),
    ...pot(p),
  ],
  trailing: (p) => [
    line("M120 0 L84 92 M120 0 L156 92", p.accent, 2),
    ...[70, 86, 104, 134, 152, 168].map((x, i) => strand(x, 104, 5 + ((i * 3) % 4))),
    path("M76 90 H164 C164 124 146 138 120 138 C94 138 76 124 76 90Z", p.main),
    path("M164 90 C164 124 146 138 120 138 C142 128 146 110 146 90Z", p.dark),
    oval(120, 90, 44, 10, LEAF_DARK),
    ...times(8).map((i) => circle(84 + i * 10.4, 86 + (i % 2) * 5, 6, i % 2 ? LEAF : LEAF_LIGHT)),
    ...[80, 112, 146, 160].map((x, i) => strand(x, 96, 3 + ((i * 2) % 4))),
  ],
  can: (p) => [
    line("M92 96 C92 46 164 56 160 116", p.dark, 8),
    path("M150 150 L196 92 L206 100 L160 176Z", p.dark),
    oval(202, 92, 7, 15, p.accent),
    path("M66 98 H158 L166 190 H58Z", p.main),
    path("M136 98 H158 L166 190 H132Z", p.dark),
    oval(112, 98, 46, 9, p.light),
    line("M76 124 L72 172", p.light, 5),
  ],
};

const pot = (p: Palette): readonly SVGElement[] => [
  path("M82 142 H158 L150 190 H90Z", p.main),
  path("M138 142 H158 L150 190 H130Z", p.dark),
  path("M76 134 H164 V150 H76Z", p.light),
];

const strand = (x: number, top: number, beads: number): SVGElement =>
  s(
    "g",
    null,
    line(`M${x} ${top} V${top + beads * 13}`, LEAF_DARK, 1.5),
    times(beads).map((i) => circle(x, top + 10 + i * 13, 5.5, i % 2 ? LEAF : LEAF_LIGHT)),
  );
