/**
 * Makes `sample/online-retail-sample.csv`: invoice lines of a shop that does not exist, with the columns and the
 * oddities of the real file. The same seed gives the same bytes: `node make-sample.js` must change nothing.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const seed = 20_260_504;
const linesMin = 500;

/** mulberry32: small, seeded, the same everywhere. */
function randomFrom(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = randomFrom(seed);
const whole = (from, to) => from + Math.floor(random() * (to - from + 1));
const pick = (list) => list[whole(0, list.length - 1)];

const materials = ["OAK", "LINEN", "GLASS", "WOOL", "CORK", "BRASS", "CLAY", "FELT"];
const things = [
  "BOWL",
  "LAMP",
  "CUSHION",
  "TRAY",
  "VASE",
  "BASKET",
  "HOOK, SET OF 3",
  'FRAME 7" WIDE',
];
const products = Array.from({ length: 40 }, (_, index) => ({
  code: `${30_000 + index * 7}${index % 5 === 0 ? pick(["A", "B"]) : ""}`,
  description: `${pick(materials)} ${pick(things)}`,
  // Some prices have half cents: three of them at 1.005 are 3.015, which is 3.02.
  price: index % 9 === 0 ? "1.005" : (whole(35, 1895) / 100).toFixed(2).replace(/0$/, ""),
}));
const countries = ["Portugal", "Norway", "Ireland", "Austria"];
const customers = Array.from({ length: 30 }, (_, index) => ({
  id: 40_001 + index,
  country: pick(countries),
}));

const lines = [];
let time = Date.UTC(2025, 0, 2, 9, 0);
for (let number = 700_001; lines.length < linesMin; number++) {
  time += whole(20, 900) * 60_000;
  const customer = random() < 0.25 ? null : pick(customers);
  const isReturn = random() < 0.08;
  const head = {
    invoice: `${isReturn ? "C" : ""}${number}`,
    time: new Date(time).toISOString().slice(0, 19).replace("T", " "),
    id: customer === null ? "" : `${customer.id}.0`,
    country: customer?.country ?? pick(countries),
  };
  for (let count = isReturn ? whole(1, 2) : whole(1, 9); count > 0; count--) {
    const line = row(head, pick(products), isReturn ? -whole(1, 3) : whole(1, 24));
    lines.push(line);
    // The same line twice is two lines.
    if (random() < 0.03) lines.push(line);
  }
}

function row({ invoice, time: at, id, country }, { code, description, price }, quantity) {
  return [invoice, code, quoted(description), quantity, at, price, id, country].join(",");
}

function quoted(text) {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
const folder = join(import.meta.dirname, "sample");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "online-retail-sample.csv"), `${[header, ...lines].join("\n")}\n`);
