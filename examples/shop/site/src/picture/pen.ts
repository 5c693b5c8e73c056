import { s } from "../dom.ts";
import type { Palette } from "./palette.ts";

/** A drawing stands on the line y = 190 of a square of 240. */
export type Drawing = (p: Palette) => readonly SVGElement[];

export const path = (d: string, fill: string): SVGElement => s("path", { d, fill });

export const line = (d: string, stroke: string, width = 4): SVGElement =>
  s("path", {
    d,
    fill: "none",
    stroke,
    "stroke-width": width,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  });

export const circle = (cx: number, cy: number, r: number, fill: string): SVGElement =>
  s("circle", { cx, cy, r, fill });

export const oval = (cx: number, cy: number, rx: number, ry: number, fill: string): SVGElement =>
  s("ellipse", { cx, cy, rx, ry, fill });

/** [x, y, width, height, radius] */
type Box = readonly [number, number, number, number, number?];

export const box = ([x, y, width, height, rx = 0]: Box, fill: string): SVGElement =>
  s("rect", { x, y, width, height, rx, fill });

export const turned = (degrees: number, ...parts: SVGElement[]): SVGElement =>
  s("g", { transform: `rotate(${degrees} 120 120)` }, parts);

/** The numbers 0 .. count - 1, to repeat a stroke. */
export const times = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => i);
