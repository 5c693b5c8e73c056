import { PAPER } from "./palette.ts";
import { box, type Drawing, line, oval, path, times } from "./pen.ts";

export const textiles: { readonly [shape: string]: Drawing } = {
  cushion: (p) => [
    path(
      "M62 66 C98 76 142 76 178 66 C170 102 170 144 180 184 C142 176 98 176 60 184 C70 144 70 102 62 66Z",
      p.main,
    ),
    path(
      "M178 66 C170 102 170 144 180 184 C160 180 148 178 136 178 C150 142 152 108 146 73Z",
      p.dark,
    ),
    ...times(3).map((i) =>
      line(
        `M${92 + i * 22} 80 C${88 + i * 24} 112 ${88 + i * 24} 140 ${90 + i * 23} 172`,
        p.light,
        4,
      ),
    ),
    line("M74 78 C100 84 140 84 166 78", p.accent, 2),
    line("M72 174 C100 168 140 168 168 174", p.accent, 2),
  ],
  throw: (p) => [
    box([66, 84, 108, 96, 14], p.dark),
    box([62, 72, 112, 92, 16], p.main),
    path("M62 100 C62 82 74 76 90 76 H146 C164 76 174 82 174 100 V112 H62Z", p.light),
    line("M62 112 H174", p.dark, 2),
    line("M62 138 H174", p.accent, 5),
    line("M62 148 H174", p.accent, 2),
    ...times(12).map((i) => line(`M${70 + i * 9} 166 V186`, p.main, 3)),
  ],
  towels: (p) => [
    box([60, 148, 120, 42, 18], p.dark),
    box([66, 110, 108, 42, 18], p.main),
    box([72, 74, 96, 40, 18], p.light),
    line("M150 154 V184", p.main, 6),
    line("M146 116 V146", p.light, 6),
    line("M142 80 V108", p.main, 6),
    oval(84, 94, 5, 8, p.main),
    oval(78, 131, 5, 8, p.dark),
    oval(74, 169, 5, 8, p.main),
  ],
  rug: (p) => [
    path("M78 56 H162 L186 184 H54Z", p.main),
    path("M86 68 H154 L172 172 H68Z", p.light),
    path("M120 76 L140 104 L120 132 L100 104Z", p.accent),
    path("M120 114 L144 142 L120 168 L96 142Z", p.dark),
    path("M120 92 L128 104 L120 116 L112 104Z", p.light),
    ...times(13).map((i) => line(`M${58 + i * 10.4} 185 V192`, p.dark, 2)),
    ...times(9).map((i) => line(`M${80 + i * 10} 55 V49`, p.dark, 2)),
  ],
  cloth: (p) => [
    line("M44 64 H196", p.dark, 5),
    path("M76 64 H164 V176 C150 184 136 170 120 178 C104 186 90 172 76 180Z", PAPER),
    ...times(4).map((i) => line(`M${88 + i * 21} 66 V174`, p.main, 6)),
    ...times(5).map((i) => line(`M77 ${80 + i * 21} H163`, p.light, 5)),
    line("M100 64 V56", p.accent, 6),
    line("M142 64 V56", p.accent, 6),
  ],
};
