import { s } from "../dom.ts";

const paths = {
  cart: "M3 4h2l2.4 11h10.2L20 7H6.2M9 20h.01M17 20h.01",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c1-5 4-7 8-7s7 2 8 7",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M16 16l5 5",
  close: "M5 5l14 14M19 5L5 19",
  check: "M4 12.5l5 5L20 6.5",
  arrow: "M5 12h14M13 6l6 6-6 6",
  device: "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1M11 18h2",
  up: "M6 15l6-6 6 6",
} as const;

export const icon = (name: keyof typeof paths): SVGElement =>
  s(
    "svg",
    { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" },
    s("path", { d: paths[name] }),
  );

export const logo = (): SVGElement =>
  s(
    "svg",
    { viewBox: "0 0 32 32", class: "logo", "aria-hidden": "true" },
    s("circle", { cx: 16, cy: 16, r: 16 }),
    s("path", { d: "M5 14c4-4 7-4 11 0s7 4 11 0M5 20c4-4 7-4 11 0s7 4 11 0" }),
  );
