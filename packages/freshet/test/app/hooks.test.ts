import { expect, test } from "vitest";
import { sourcesOf } from "../../src/accept/index.ts";
import { settingsOf } from "../../src/app/config.ts";
import { createHooks } from "../../src/app/hooks.ts";
import { UsageError } from "../../src/app/usage-error.ts";

const sources = sourcesOf([{ name: "default", writeKey: "WK", kind: "browser" }]);
const hook = { secret: "s", signature: "github", map: [] } as const;

test("hooks of the configuration are ready by name", () => {
  const settings = settingsOf({ plan: "plan.ts", hooks: { github: hook } }, ".", {});
  const hooks = createHooks(settings, sources);
  expect([...hooks.keys()]).toEqual(["github"]);
  expect(hooks.get("github")?.source).toMatchObject({ name: "hook:github", kind: "server" });
});

test("a hook that cannot be used is a usage error that names it, before anything is opened", () => {
  for (const wrong of [{ "a b": hook }, { crm: { ...hook, secret: "" } }]) {
    const settings = settingsOf({ plan: "plan.ts", hooks: wrong }, ".", {});
    const [name] = Object.keys(wrong);
    expect(() => createHooks(settings, sources)).toThrow(UsageError);
    expect(() => createHooks(settings, sources)).toThrow(`hook "${name}" cannot be used`);
  }
});
