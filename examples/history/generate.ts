/**
 * Files of a shop that does not exist, as web servers and analytics tools write them: with what is odd in real ones
 * (programs, scanners, halves of lines, numbers as text, rows that come twice). The same seed gives the same files.
 */
import { randomOf } from "freshet/testing";

type Random = ReturnType<typeof randomOf>;

const startMs = Date.UTC(2025, 2, 1, 8, 0, 0);
const products = Array.from({ length: 40 }, (_, index) => ({
  id: `SKU-${String(index + 1).padStart(3, "0")}`,
  name: `${["Oak", "Linen", "Glass", "Wool"][index % 4]} ${["Bowl", "Lamp", "Tray"][index % 3]}`,
  cents: 250 + ((index * 7919) % 9000),
}));

const browsers = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
];
const robots = [
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  "curl/8.5.0",
  "-",
];
const pagePaths = ["/", "/shop", "/shop/bowls", "/about.html", "/search", "/blog/how-we-felt"];
const filePaths = ["/logo.svg", "/app.css", "/app.min.js", "/favicon.ico", "/img/oak%20bowl.webp"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Lines of a log in the combined format, oldest first. */
export function* accessLog(count: number, seed: number): Generator<string> {
  const random = randomOf(seed);
  let time = startMs;
  for (let line = 0; line < count; line++) {
    time += random.below(9000);
    if (random.chance(0.02)) yield oddLine(random, time);
    else yield plainLine(random, time);
  }
}

function plainLine(random: Random, time: number): string {
  const isRobot = random.chance(0.15);
  const userAgent = random.pick(isRobot ? robots : browsers);
  const method = random.chance(0.93) ? "GET" : random.pick(["POST", "HEAD"]);
  const path = random.pick(random.chance(0.55) ? pagePaths : filePaths);
  const query =
    path === "/search" ? `?q=${random.pick(["oak", "wool%20felt", "%C3%A9toile"])}` : "";
  const status = random.pick([200, 200, 200, 200, 200, 200, 304, 301, 404, 500]);
  const referrer = random.chance(0.4) ? "-" : "https://shop.example/shop";
  return combined({
    ...{ host: hostOf(random), user: random.chance(0.03) ? "ana" : "-", time },
    request: `${method} ${path}${query} HTTP/1.1`,
    ...{ status, bytes: status === 304 ? "-" : String(random.below(90_000)), referrer, userAgent },
  });
}

/** What scanners and full disks leave behind. Some of them are lines, and some are not. */
function oddLine(random: Random, time: number): string {
  const common = {
    host: "198.51.100.9",
    user: "-",
    time,
    status: 400,
    bytes: "0",
    referrer: "-",
    userAgent: "-",
  };
  return random.pick([
    combined({ ...common, request: "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03" }),
    combined({ ...common, request: "-" }),
    combined({
      ...common,
      status: 404,
      request: 'GET /x?a=\\"><script>alert(1)</script> HTTP/1.1',
    }),
    combined({ ...common, request: "GET /shop HTTP/1.1" }).slice(0, 60),
    "a line of something else",
    "",
  ]);
}

function hostOf(random: Random): string {
  return random.chance(0.2)
    ? `2001:db8::${(1 + random.below(40)).toString(16)}`
    : `203.0.113.${1 + random.below(60)}`;
}

interface Line {
  readonly host: string;
  readonly user: string;
  readonly time: number;
  readonly request: string;
  readonly status: number;
  readonly bytes: string;
  readonly referrer: string;
  readonly userAgent: string;
}

function combined(line: Line): string {
  const { host, user, time, request, status, bytes, referrer, userAgent } = line;
  return `${host} - ${user} [${localTime(time)}] "${request}" ${status} ${bytes} "${referrer}" "${userAgent}"`;
}

/** Two hours east of UTC, as the server's clock shows it. */
function localTime(time: number): string {
  const at = new Date(time + 2 * 3_600_000).toISOString();
  const month = months[Number(at.slice(5, 7)) - 1];
  return `${at.slice(8, 10)}/${month}/${at.slice(0, 4)}:${at.slice(11, 19)} +0200`;
}

/** Rows of Google Analytics 4 as BigQuery writes them as JSON. Some come twice, as exports overlap. */
export function* ga4Rows(count: number, seed: number): Generator<Record<string, unknown>> {
  const random = randomOf(seed);
  let time = startMs;
  let held: Record<string, unknown> | null = null;
  for (let row = 0; row < count; row++) {
    time += random.below(4000);
    if (held !== null && random.chance(0.01)) {
      yield held;
      continue;
    }
    held = ga4Row(random, time, row);
    yield held;
  }
}

function ga4Row(random: Random, time: number, row: number): Record<string, unknown> {
  const visitor = random.below(200);
  const name = random.pick([
    "page_view",
    "page_view",
    "view_item",
    "view_item",
    "add_to_cart",
    "purchase",
  ]);
  const items = name === "page_view" ? [] : itemsOf(random, name === "purchase" ? 3 : 1);
  const cents = items.reduce(
    (sum, { price, quantity }) => sum + Math.round(price * 100) * Number(quantity),
    0,
  );
  const isKnown = visitor < 40;
  return {
    event_date: new Date(time).toISOString().slice(0, 10).replaceAll("-", ""),
    event_timestamp: `${time * 1000 + random.below(1000)}`,
    event_name: name,
    event_params: [
      { key: "page_location", value: { string_value: "https://shop.example/shop" } },
      { key: "ga_session_id", value: { int_value: `${1_740_000_000 + visitor}` } },
      { key: "engagement_time_msec", value: { int_value: `${random.below(60_000)}` } },
      ...(name === "purchase"
        ? [
            { key: "transaction_id", value: { string_value: `T-${row}` } },
            { key: "currency", value: { string_value: "EUR" } },
            {
              key: "value",
              value: random.chance(0.5)
                ? { double_value: cents / 100 }
                : { float_value: cents / 100 },
            },
          ]
        : []),
    ],
    event_bundle_sequence_id: `${row}`,
    // Consent was denied now and then: nobody can say whose event that is.
    user_pseudo_id: random.chance(0.02) && !isKnown ? null : `${1_000_000 + visitor}.1740000000`,
    ...(isKnown ? { user_id: `u${visitor}` } : {}),
    user_properties: [
      { key: "plan", value: { string_value: "free", set_timestamp_micros: `${time}000` } },
    ],
    device: {
      category: "mobile",
      operating_system: "iOS",
      language: "en-us",
      mobile_brand_name: "(not set)",
    },
    geo: { continent: "Europe", country: "Portugal", city: "(not set)" },
    traffic_source: { name: "(direct)", medium: "(none)", source: "(direct)" },
    stream_id: "1234567890",
    platform: "WEB",
    ...(name === "purchase"
      ? {
          ecommerce: {
            transaction_id: `T-${row}`,
            purchase_revenue: cents / 100,
            total_item_quantity: `${items.length}`,
          },
        }
      : {}),
    items,
  };
}

function itemsOf(random: Random, most: number) {
  return Array.from({ length: 1 + random.below(most) }, () => {
    const { id, name, cents } = random.pick(products);
    return {
      ...{ item_id: id, item_name: name, item_brand: "(not set)", item_category: "home" },
      ...{ price: cents / 100, quantity: `${1 + random.below(3)}` },
    };
  });
}

/** Rows of Mixpanel's raw export. Some come twice, as exports overlap. */
export function* mixpanelRows(count: number, seed: number): Generator<Record<string, unknown>> {
  const random = randomOf(seed);
  let time = startMs;
  let held: Record<string, unknown> | null = null;
  for (let row = 0; row < count; row++) {
    time += random.below(4000);
    if (held === null || !random.chance(0.01)) held = mixpanelRow(random, time, row);
    yield held;
  }
}

function mixpanelRow(random: Random, time: number, row: number): Record<string, unknown> {
  const visitor = random.below(200);
  const device = `d-${visitor}`;
  const isKnown = visitor < 40;
  const { id, cents } = random.pick(products);
  const event = random.pick([
    "$mp_web_page_view",
    "Product Viewed",
    "Product Added",
    "Order Completed",
  ]);
  return {
    event,
    properties: {
      time: random.chance(0.5) ? Math.floor(time / 1000) : time,
      distinct_id: isKnown ? `u${visitor}` : `$device:${device}`,
      $device_id: device,
      ...(isKnown ? { $user_id: `u${visitor}` } : {}),
      $insert_id: `insert-${row}`,
      $os: "Windows",
      $browser: "Chrome",
      $city: "Porto",
      mp_country_code: "PT",
      mp_processing_time_ms: time + 500,
      ...(event === "$mp_web_page_view"
        ? { $current_url: "https://shop.example/shop" }
        : { product_id: id }),
      ...(event === "Product Added" ? { quantity: 1 + random.below(3) } : {}),
      ...(event === "Order Completed" ? { order_id: `M-${row}`, total: cents / 100 } : {}),
    },
  };
}
