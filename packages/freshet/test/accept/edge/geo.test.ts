import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { locator } from "../../../src/accept/index.ts";
import { openGeoFile, readGeo } from "../../../src/app/geo.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { onlyEvent } from "../fixture.ts";
import { quiet, shopRequest, siteWith, webRequest } from "./fixture.ts";
import { mmdb } from "./mmdb.ts";

const munich = {
  country: { iso_code: "DE", names: { en: "Germany" } },
  subdivisions: [{ iso_code: "BY" }],
  city: { names: { de: "München", en: "Munich" } },
  location: { latitude: 48.137, longitude: 11.575, time_zone: "Europe/Berlin" },
};
const networks = [
  { network: "203.0.113.0/24", record: munich },
  { network: "198.51.100.0/25", record: { country_code: "FR" } },
  { network: "192.0.2.0/24", record: {} },
];
const built = 1_760_000_000;

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freshet-geo-"));
  file = join(folder, "places.mmdb");
  writeFileSync(file, mmdb(networks, built));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const siteOf = (coordinates = false) => {
  const database = readGeo(file);
  const locate = locator(() => database, { coordinates });
  return siteWith({ ...quiet, context: { device: false, campaign: false } }, { locate });
};
const place = { country: "DE", region: "BY", city: "Munich", timezone: "Europe/Berlin" };

describe("the place of an address", () => {
  it("is written into the event with the version of the database, without coordinates", () => {
    expect(onlyEvent(siteOf().send()).context).toEqual({
      ip: "203.0.113.77",
      geo: { ...place, version: built },
    });
  });

  it("has coordinates where they are asked for", () => {
    const { context } = onlyEvent(siteOf(true).send());
    expect(context?.geo).toEqual({ ...place, latitude: 48.137, longitude: 11.575, version: built });
  });

  it("is that of the connection for browsers, and of what they say for servers", () => {
    const context = { ip: "198.51.100.7", geo: { country: "XX" } };
    expect(onlyEvent(siteOf().send({ context })).context?.geo).toMatchObject({ country: "DE" });
    const geo = { country: "FR", version: built };
    expect(onlyEvent(siteOf().send({ context }, shopRequest)).context?.geo).toEqual(geo);
    const own = { geo: { country: "AT" } };
    expect(onlyEvent(siteOf().send({ context: own }, shopRequest)).context).toEqual(own);
  });

  it.each([
    "198.51.100.200",
    "192.0.2.1",
    "2001:db8::1",
    "::ffff:1.1.1.1",
    "fe80::1%eth0",
    "no address",
    "",
  ])("is absent for %s, also where the client claims one", (remoteAddress) => {
    const event = onlyEvent(
      siteOf().send({ context: { geo: { country: "XX" } } }, { ...webRequest, remoteAddress }),
    );
    expect(event.context).toEqual({ ip: remoteAddress.replace("::ffff:", "") });
  });

  it("is looked up before the address is masked or dropped", () => {
    const database = readGeo(file);
    const locate = locator(() => database, { coordinates: false });
    const policy = {
      ...quiet,
      context: { device: false, campaign: false },
      privacy: { ip: "drop" },
    } as const;
    expect(onlyEvent(siteWith(policy, { locate }).send()).context).toEqual({
      geo: { ...place, version: built },
    });
  });

  it("of any text whatever is found or not, and never an error", () => {
    const database = readGeo(file);
    const locate = locator(() => database, { coordinates: true });
    withSeed(import.meta.url, (seed) => {
      const text = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: "binary" }));
      fc.assert(
        fc.property(text, (address) => {
          const found = locate(address);
          const first = address.startsWith("203.0.113.");
          expect(found !== undefined).toBe(
            first || /^198\.51\.100\.(\d|\d\d|1[01]\d|12[0-7])$/.test(address),
          );
        }),
        { seed, numRuns: 1000 },
      );
    });
  });
});

describe("the database's file", () => {
  it("is read again once it is replaced, and a broken one leaves the old one in force", async () => {
    const geo = openGeoFile(file);
    const reloads: (string | null)[] = [];
    const stop = geo.watch((error) => reloads.push(error === null ? null : error.message));
    const locate = locator(geo.current, { coordinates: false });
    expect(locate("203.0.113.1")).toMatchObject({ country: "DE", version: built });
    replace(mmdb([{ network: "203.0.113.0/24", record: { country_code: "AT" } }], built + 1));
    await expect.poll(() => reloads, { timeout: 5000 }).toEqual([null]);
    expect(locate("203.0.113.1")).toEqual({ country: "AT", version: built + 1 });
    replace(Buffer.from("nothing of use"));
    await expect.poll(() => reloads.length, { timeout: 5000 }).toBe(2);
    expect(reloads[1]).toContain("is no database of places");
    expect(locate("203.0.113.1")).toEqual({ country: "AT", version: built + 1 });
    stop();
  });

  it("is an error in words where it is missing, broken or cut", () => {
    expect(() => readGeo(join(folder, "none.mmdb"))).toThrow('none.mmdb" cannot be read');
    const whole = mmdb(networks, built);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from("text"),
      whole.subarray(0, -40),
      whole.subarray(100),
    ]) {
      writeFileSync(file, bytes);
      expect(() => readGeo(file), `${bytes.length} bytes`).toThrow("is no database of places");
    }
  });

  function replace(bytes: Buffer): void {
    const next = join(folder, "next.mmdb");
    writeFileSync(next, bytes);
    renameSync(next, file);
  }
});
