/** Few, related colours: the whole shelf should look as if one hand had drawn it. */
export interface Palette {
  readonly back: string;
  readonly sun: string;
  readonly main: string;
  readonly dark: string;
  readonly light: string;
  readonly accent: string;
}

const palettes = {
  clay: of("#f4e3d7", "#ecd0bd", "#c5714e", "#9c5237", "#dd9a7b", "#33594f"),
  sand: of("#f3ead8", "#e8d8b9", "#d9bd8b", "#ac8b57", "#f1e2c3", "#8a5a3c"),
  moss: of("#e3eadd", "#cfdcc6", "#6d8a68", "#4a6448", "#9db596", "#d08c5b"),
  sky: of("#dfe9ec", "#c8dade", "#6f9aa6", "#4b7481", "#a8c6cd", "#d9a25f"),
  plum: of("#eee0e4", "#dfc9d0", "#94667a", "#6d475a", "#bd97a7", "#d7a968"),
} as const;

export type PaletteName = keyof typeof palettes;

export function paletteOf(name: string): Palette {
  return Object.hasOwn(palettes, name) ? palettes[name as PaletteName] : palettes.sand;
}

function of(
  back: string,
  sun: string,
  main: string,
  dark: string,
  light: string,
  accent: string,
): Palette {
  return { back, sun, main, dark, light, accent };
}

/** Leaves and wood do not change with the palette. */
export const LEAF = "#54795a";
export const LEAF_DARK = "#3c5c45";
export const LEAF_LIGHT = "#86a783";
export const WOOD = "#b98a5c";
export const WOOD_DARK = "#946a42";
export const PAPER = "#fffaf0";
export const GLOW = "#ffe7ab";
