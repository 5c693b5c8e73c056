/** What the guide shows, run as it stands there. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { makeFolder } from "../../process/support/folder.ts";
import { secretKey, startServer } from "../../process/support/server.ts";

it("does with curl what docs/guides/registry.md says", async () => {
  const folder = await makeFolder();
  const server = await startServer({ data: folder.path });
  try {
    const registered = await run("register.sh", server.url);
    expect(registered[0]).toEqual({ id: expect.any(Number) });
    expect(registered[1]).toMatchObject({
      is_compatible: false,
      messages: [expect.stringContaining("READER_FIELD_MISSING_DEFAULT_VALUE"), ...anyTexts(3)],
    });
    expect(registered[2]).toEqual({ id: expect.any(Number) });
    expect(registered[2]).not.toEqual(registered[0]);
    expect(registered[3]).toEqual([1, 2]);
    expect(registered[4]).toMatchObject({ version: 2, ...(registered[2] as object) });
    expect(await run("settings.sh", server.url)).toEqual([
      { compatibility: "FULL_TRANSITIVE" },
      { compatibilityLevel: "FULL_TRANSITIVE" },
      { compatibilityLevel: "BACKWARD" },
      { mode: "READONLY" },
      { mode: "READONLY" },
      [1, 2],
      [1, 2],
    ]);
  } finally {
    await server.stop();
    await folder.remove();
  }
});

function anyTexts(count: number): unknown[] {
  return Array.from({ length: count }, () => expect.any(String));
}

/** Runs a script of the guide; one answer a line. */
async function run(name: string, url: string): Promise<unknown[]> {
  const file = fileURLToPath(new URL(`../../../../../examples/registry/${name}`, import.meta.url));
  const env = { ...process.env, FRESHET: url, KEY: secretKey };
  const output = await new Promise<string>((resolve, reject) => {
    execFile("bash", ["-eu", file], { env }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error })),
    );
  });
  const lines = output.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as unknown);
}
