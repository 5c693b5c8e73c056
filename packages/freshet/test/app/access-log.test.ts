import { readJson } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  parseAccessJson,
  readCaddy,
  readNginx,
  readTraefik,
} from "../../src/app/import/format/access-json.ts";
import { parseAccessLine, unescaped } from "../../src/app/import/format/access-line.ts";
import { detectFormat } from "../../src/app/import/format/detect.ts";
import { formats } from "../../src/app/import/format/index.ts";
import { pageView, visitorId } from "../../src/app/import/format/page-view.ts";
import type { ParsedLine } from "../../src/app/import/lines.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";

const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36";
const key = Buffer.alloc(32, 7);

const valuesOf = (parsed: ParsedLine) => {
  if (parsed.kind === "broken") throw new Error(parsed.message);
  return parsed.values;
};
const read = (line: string) => valuesOf(parseAccessLine(line));
const messageOf = (line: string) => {
  const parsed = parseAccessLine(line);
  return parsed.kind === "broken" ? parsed.message : null;
};

describe("a line of a web log", () => {
  test("in the common format gives its columns, with the time of its zone", () => {
    expect(
      read(
        '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif?x=1 HTTP/1.0" 200 2326',
      ),
    ).toEqual({
      ...{ host: "127.0.0.1", user: "frank", site: null, time: Date.UTC(2000, 9, 10, 20, 55, 36) },
      ...{ method: "GET", path: "/apache_pb.gif", query: "x=1", protocol: "HTTP/1.0", status: 200 },
      ...{ bytes: 2326, referrer: null, userAgent: null, durationMs: null, contentType: null },
    });
  });

  test("in the combined format keeps escaped quotes, and dashes are nothing", () => {
    expect(
      read(
        '::1 - - [01/Mar/2025:10:00:00 +0530] "GET / HTTP/2.0" 304 - "-" "a \\"b\\" \\\\ c" 0.005 "1.2.3.4"',
      ),
    ).toMatchObject({
      ...{
        host: "::1",
        user: null,
        time: Date.UTC(2025, 2, 1, 4, 30),
        bytes: null,
        referrer: null,
      },
      ...{ userAgent: 'a "b" \\ c', path: "/", query: null },
    });
  });

  test("may name its site first, and a user with spaces or a false time in the name", () => {
    expect(
      read(
        'shop.example:443 2001:db8::7 - ana maria [x] [01/Mar/2025:10:00:00 +0000] "GET / HTTP/1.1" 200 1',
      ),
    ).toMatchObject({ site: "shop.example:443", host: "2001:db8::7", user: "ana maria [x]" });
    expect(
      read(
        '1.2.3.4 - [01/Jan/2001:00:00:00 +0000] \\" [01/Mar/2025:10:00:00 +0000] "GET / HTTP/1.1" 200 1',
      ),
    ).toMatchObject({ time: Date.UTC(2025, 2, 1, 10) });
  });

  test("of a scanner is a line, without method and path", () => {
    expect(
      read('1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "\\x16\\x03\\x01\\x02" 400 157 "-" "-"'),
    ).toMatchObject({ method: null, path: null, status: 400 });
    expect(read('1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "" 408 0')).toMatchObject({
      method: null,
    });
    expect(
      read(
        '1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "GET http://proxy.example/a?b=c HTTP/1.1" 404 0',
      ),
    ).toMatchObject({ path: "/a", query: "b=c" });
  });

  test("has bytes that nginx escaped read as UTF-8 together", () => {
    expect(unescaped("\\xC3\\xA9toile \\x22x\\x22 \\n\\q")).toBe('étoile "x" \n\\q');
    expect(unescaped("\\xFF")).toBe("\ufffd");
  });

  test("is broken where it says no moment, no end or no status, and says so", () => {
    const line = (time: string) => `1.2.3.4 - - [${time}] "GET / HTTP/1.1" 200 1`;
    expect(messageOf(line("31/Feb/2025:10:00:00 +0000"))).toContain(
      "there is no moment 31/Feb/2025",
    );
    expect(messageOf(line("28/Feb/2025:24:00:00 +0000"))).toContain("there is no moment");
    expect(messageOf(line("01/Foo/2025:10:00:00 +0000"))).toContain("there is no moment");
    expect(messageOf(line("2025-03-01T10:00:00Z"))).toContain("it has no time");
    expect(messageOf('1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "GET / HTTP')).toContain(
      "not closed",
    );
    expect(messageOf('1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "GET /" abc')).toContain(
      "no status",
    );
    expect(messageOf('- [01/Mar/2025:10:00:00 +0000] "GET /" 200 1')).toContain("two names");
    expect(messageOf('1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "GET /" 200 1 "-" "half')).toContain(
      "user agent",
    );
  });
});

describe("JSON of a web log", () => {
  const expected = {
    ...{ host: "1.2.3.4", time: Date.UTC(2025, 2, 1, 10), method: "GET", path: "/a", query: "b=c" },
    ...{
      status: 200,
      bytes: 12,
      userAgent: chrome,
      referrer: "https://x.example/",
      durationMs: 12,
    },
  };

  test("of nginx is read under the names of its variables", () => {
    const parse = parseAccessJson(readNginx);
    const rest = {
      ...{
        remote_addr: "1.2.3.4",
        request: "GET /a?b=c HTTP/1.1",
        status: "200",
        request_time: "0.012",
      },
      ...{ body_bytes_sent: "12", http_referer: "https://x.example/", http_user_agent: chrome },
    };
    const times = [
      { time_iso8601: "2025-03-01T11:00:00+01:00" },
      { msec: "1740823200.000" },
      { time_local: "01/Mar/2025:08:00:00 -0200" },
    ];
    for (const time of times)
      expect(valuesOf(parse(JSON.stringify({ ...time, ...rest })))).toMatchObject(expected);
    const apart = {
      ...rest,
      request: "",
      request_method: "GET",
      uri: "/a",
      args: "b=c",
      ts: 1740823200,
    };
    expect(valuesOf(parse(JSON.stringify(apart)))).toMatchObject(expected);
    expect(parse(JSON.stringify(rest))).toMatchObject({ kind: "broken", message: /no time/ });
  });

  test("of Caddy and of Traefik is read under theirs", () => {
    const caddy = {
      ...{
        level: "info",
        ts: 1740823200.0,
        logger: "http.log.access",
        status: 200,
        size: 12,
        duration: 0.0121,
      },
      request: {
        ...{
          remote_ip: "1.2.3.4",
          method: "GET",
          host: "x.example",
          uri: "/a?b=c",
          proto: "HTTP/2.0",
        },
        headers: { "User-Agent": [chrome], referer: ["https://x.example/"] },
      },
      resp_headers: { "Content-Type": ["text/html; charset=utf-8"] },
    };
    expect(valuesOf(parseAccessJson(readCaddy)(JSON.stringify(caddy)))).toMatchObject({
      ...expected,
      contentType: "text/html; charset=utf-8",
    });
    const traefik = {
      ...{
        ClientHost: "1.2.3.4",
        ClientUsername: "-",
        RequestMethod: "GET",
        RequestPath: "/a?b=c",
      },
      ...{
        RequestProtocol: "HTTP/1.1",
        DownstreamStatus: 200,
        DownstreamContentSize: 12,
        Duration: 12_100_000,
      },
      ...{ StartUTC: "2025-03-01T10:00:00.000000001Z", request_Referer: "https://x.example/" },
      "request_User-Agent": chrome,
    };
    expect(valuesOf(parseAccessJson(readTraefik)(JSON.stringify(traefik)))).toMatchObject(expected);
  });
});

describe("a page view of a web log", () => {
  const line = (changes: object) => ({
    ...{ host: "1.2.3.4", user: null, time: 1, method: "GET", path: "/", query: null, status: 200 },
    ...{ referrer: null, userAgent: chrome, contentType: null, ...changes },
  });

  test("is a page that was shown to somebody, and nothing else", () => {
    const isView = (changes: object) => pageView(line(changes), key) !== null;
    for (const path of ["/", "/shop", "/a.b/c", "/x.HTML", "/index.php"])
      expect(isView({ path }), path).toBe(true);
    for (const path of ["/a.css", "/b.min.js", "/robots.txt", "/feed.xml", "/img/x.webp", null])
      expect(isView({ path }), String(path)).toBe(false);
    expect([200, 204, 304].map((status) => isView({ status }))).toEqual([true, true, true]);
    expect([199, 301, 404, 500, null].some((status) => isView({ status }))).toBe(false);
    expect(isView({ method: "POST" }) || isView({ userAgent: "Googlebot/2.1" })).toBe(false);
    expect(isView({ userAgent: null })).toBe(false);
    expect(isView({ path: "/api/x", contentType: "application/json" })).toBe(false);
    expect(isView({ path: "/page.pdf", contentType: "text/html" })).toBe(true);
  });

  test("is of a visitor whose address cannot be told, or of the user that signed in", () => {
    const event = pageView(line({}), key)?.event;
    expect(event).toEqual({
      ...{ event_type: "Page", timestamp: 1, anonymous_id: visitorId("1.2.3.4", chrome, key) },
      ...{ metadata: { path: "/", status: 200 }, context: { userAgent: chrome } },
    });
    expect(JSON.stringify(event)).not.toContain("1.2.3.4");
    expect(visitorId("1.2.3.4", chrome, Buffer.alloc(32, 8))).not.toBe(event?.anonymous_id);
    expect(pageView(line({ user: "ana" }), key)?.event).toMatchObject({ user_id: "ana" });
  });
});

test("formats are told by name and first lines", () => {
  const combined = '1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "x"';
  expect(detectFormat("access.log", `what\n${combined}\n`)).toBe("combined");
  expect(detectFormat("x", combined.slice(0, -8))).toBe("common");
  expect(detectFormat("rows.csv", combined)).toBe("csv");
  expect(detectFormat("x", "a,b\n1,2")).toBe("csv");
  expect(detectFormat("x", '{"a":1}')).toBe("jsonl");
  expect(
    detectFormat("x.jsonl.gz", '{"event_name":"a","event_timestamp":"1","event_params":[]}'),
  ).toBe("ga4");
  expect(detectFormat("x", '{"event":"a","properties":{"time":1,"distinct_id":"b"}}')).toBe(
    "mixpanel",
  );
  expect(detectFormat("x", '{"ts":1,"request":{"method":"GET","uri":"/"},"status":200}')).toBe(
    "caddy",
  );
  expect(detectFormat("x", '{"DownstreamStatus":200,"RequestMethod":"GET"}')).toBe("traefik");
  expect(detectFormat("x", '{"remote_addr":"a","request":"b","status":"200"}')).toBe("nginx");
});

describe("any bytes", () => {
  const runs = Number(process.env.FRESHET_RUNS ?? 1500);
  const assertProperty = <T>(property: fc.IProperty<T>) =>
    withSeed(import.meta.url, (seed) => fc.assert(property, { seed, numRuns: runs }));
  const pieces = fc.constantFrom(
    ...["1.2.3.4", " - - ", "[10/Oct/2000:13:55:36 -0700]", ' "', '" ', "GET /a?b", " HTTP/1.1"],
    ...["200", " 12", '"-"', "\\x22", '\\"', "\\", "\n", "\r\n", "\ufeff", "{", '"ts":1', "}", "é"],
  );
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 30 })
      .map((texts) => Buffer.from(texts.join(""))),
  );

  test("give the same rows however they are cut, one for each line, and any row can be stored", () => {
    const names = ["common", "nginx", "caddy", "traefik", "ga4", "mixpanel", "jsonl"] as const;
    assertProperty(
      fc.property(fc.constantFrom(...names), hostile, fc.nat(), (name, bytes, seed) => {
        const wanted = new Set<string>();
        const whole = formats[name].reader(wanted);
        const rows = [...whole.read(bytes), ...whole.end()];
        const random = randomOf(seed);
        const cut = formats[name].reader(wanted);
        const inParts = [];
        for (let from = 0; from < bytes.length; ) {
          const to = from + 1 + random.below(20);
          inParts.push(...cut.read(bytes.subarray(from, to)));
          from = to;
        }
        inParts.push(...cut.end());
        expect(inParts).toEqual(rows);
        expect(rows.map(({ row }) => row)).toEqual(rows.map((_, index) => index + 1));
        const options = { visitorKey: () => key, usesSegmentNames: seed % 2 === 0 };
        for (const row of rows) {
          if (row.kind === "broken") continue;
          expect(readJson(JSON.stringify(row.values))).toEqual(row.values);
          formats[name].builtIn?.(row.values, options);
        }
      }),
    );
  });

  test("a line without an end is given up at its limit and costs one row", () => {
    const reader = formats.combined.reader(new Set());
    const chunk = Buffer.alloc(256 * 1024, "x");
    const rows = Array.from({ length: 20 }, () => reader.read(chunk)).flat();
    expect(rows).toMatchObject([{ kind: "broken", row: 1, line: 1 }]);
    const good = '\n1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "GET / HTTP/1.1" 200 1\n';
    expect(reader.read(Buffer.from(good))).toMatchObject([{ kind: "row", row: 2, line: 2 }]);
  });
});
