import { LEAF, LEAF_LIGHT, PAPER } from "./palette.ts";
import { circle, type Drawing, line, oval, path, times } from "./pen.ts";

const SPECKS = [
  [104, 150],
  [118, 168],
  [136, 146],
  [128, 176],
  [110, 132],
  [140, 164],
] as const;

export const ceramics: { readonly [shape: string]: Drawing } = {
  vase: (p) => [
    line("M120 70 C116 50 108 42 98 32", LEAF, 3),
    line("M122 70 C126 48 134 40 146 34", LEAF, 3),
    oval(95, 31, 9, 5, LEAF_LIGHT),
    oval(150, 32, 9, 5, LEAF),
    oval(108, 50, 8, 4, LEAF),
    path(
      "M104 66 H136 C136 88 160 104 160 140 C160 170 148 190 140 190 H100 C92 190 80 170 80 140 C80 104 104 88 104 66Z",
      p.main,
    ),
    path(
      "M136 66 C136 88 160 104 160 140 C160 170 148 190 140 190 H126 C146 160 146 110 122 66Z",
      p.dark,
    ),
    ...times(4).map((i) =>
      line(
        `M${86 + i} ${122 + i * 15} C104 ${130 + i * 15} 136 ${130 + i * 15} ${154 - i} ${122 + i * 15}`,
        p.light,
        2,
      ),
    ),
    oval(120, 66, 16, 5, p.accent),
  ],
  bud: (p) => [
    line("M120 98 C120 74 128 58 138 46", LEAF, 3),
    circle(140, 42, 11, p.accent),
    circle(140, 42, 4, p.light),
    oval(127, 68, 10, 5, LEAF),
    path(
      "M112 98 H128 C127 118 154 122 154 152 C154 178 140 190 120 190 C100 190 86 178 86 152 C86 122 113 118 112 98Z",
      p.main,
    ),
    path(
      "M128 98 C127 118 154 122 154 152 C154 178 140 190 120 190 C146 170 140 130 122 98Z",
      p.dark,
    ),
    ...SPECKS.map(([x, y]) => circle(x, y, 2, p.light)),
    oval(120, 98, 8, 3, p.dark),
  ],
  bowl: (p) => [
    path("M54 118 H186 C186 160 158 184 142 184 H98 C82 184 54 160 54 118Z", p.main),
    path("M186 118 C186 160 158 184 142 184 H120 C150 172 164 150 168 118Z", p.dark),
    path("M100 184 H140 L136 190 H104Z", p.dark),
    oval(120, 118, 66, 15, p.light),
    oval(120, 120, 56, 10, p.dark),
    line("M62 140 C90 152 150 152 178 140", p.light, 3),
  ],
  mug: (p) => [
    line("M152 122 C184 116 184 164 150 164", p.dark, 10),
    path("M82 104 H158 V164 C158 180 148 190 136 190 H104 C92 190 82 180 82 164Z", p.main),
    path("M158 104 V164 C158 180 148 190 136 190 H124 C138 184 142 176 142 164 V104Z", p.dark),
    oval(120, 104, 38, 9, p.light),
    oval(120, 105, 31, 6, "#5b4032"),
    line("M108 84 C102 74 114 68 108 56", p.light, 4),
    line("M130 84 C124 74 136 68 130 56", p.light, 4),
  ],
  plate: (p) => [
    circle(120, 118, 72, p.dark),
    circle(120, 116, 72, p.main),
    circle(120, 116, 66, p.light),
    circle(120, 116, 47, p.main),
    circle(120, 117, 44, PAPER),
    line("M92 132 C104 116 112 128 120 112 C128 98 138 110 148 98", p.accent, 3),
    oval(105, 116, 7, 4, p.accent),
    oval(136, 122, 7, 4, p.accent),
  ],
  jug: (p) => [
    line("M146 100 C190 92 188 156 150 160", p.dark, 9),
    path(
      "M92 74 L84 62 C100 70 130 66 144 70 C140 92 160 112 160 148 C160 176 146 190 120 190 C94 190 80 176 80 148 C80 112 98 96 92 74Z",
      p.main,
    ),
    path(
      "M144 70 C140 92 160 112 160 148 C160 176 146 190 120 190 C148 168 142 108 126 69Z",
      p.dark,
    ),
    line("M84 136 C104 146 136 146 157 136", p.light, 3),
    line("M83 146 C104 156 136 156 158 146", p.light, 3),
  ],
};
