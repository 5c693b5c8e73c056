import type { JsonObject } from "@freshet/protocol";
import Bowser from "bowser";
import { isbot } from "isbot";
import { BoundedCache } from "./cache.ts";
import { edgeLimits } from "./limits.ts";

export type DeviceClass = "desktop" | "mobile" | "tablet" | "bot" | "other";

/** What a user agent says, worked out once for each text. */
export interface Agent {
  readonly deviceClass: DeviceClass;
  /** `{ name, version? }`, as Segment's SDKs have it. */
  readonly browser: JsonObject | undefined;
  readonly os: JsonObject | undefined;
  readonly isBot: boolean;
  /** A browser without a window, as tests and scrapers run it. */
  readonly isHeadless: boolean;
}

export type ReadAgent = (text: string) => Agent;

/** Reads user agents; `patterns` are bots besides the known ones. */
export function agentReader(patterns: readonly (string | RegExp)[]): ReadAgent {
  const isOwnBot = patterns.map(matcherOf);
  const known = new BoundedCache<string, Agent>(edgeLimits.agentsMax);
  return (sent) => {
    const text =
      sent.length > edgeLimits.agentCharsMax ? sent.slice(0, edgeLimits.agentCharsMax) : sent;
    const found = known.get(text);
    if (found !== undefined) return found;
    const agent = readAgent(
      text,
      isOwnBot.some((isOwn) => isOwn(text)),
    );
    known.set(text, agent);
    return agent;
  };
}

function matcherOf(pattern: string | RegExp): (text: string) => boolean {
  if (typeof pattern === "string") {
    const part = pattern.toLowerCase();
    return (text) => text.toLowerCase().includes(part);
  }
  // A global expression remembers where it stopped, and would find every second text only.
  const expression = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  return (text) => expression.test(text);
}

const headlessForm = /Headless|PhantomJS|SlimerJS|Puppeteer|Playwright|Selenium|webdriver|Cypress/i;

function readAgent(text: string, isOwnBot: boolean): Agent {
  const isBot = isOwnBot || isbot(text);
  const { browser, os, platform } = parse(text);
  return {
    deviceClass: isBot ? "bot" : classOf(platform.type),
    browser: named(browser.name, browser.version),
    os: named(os.name, os.version),
    isBot,
    isHeadless: headlessForm.test(text),
  };
}

function parse(text: string): Pick<Bowser.Parser.ParsedResult, "browser" | "os" | "platform"> {
  // The library throws where there is nothing to look at.
  return text === "" ? { browser: {}, os: {}, platform: {} } : Bowser.parse(text);
}

function classOf(type: string | undefined): DeviceClass {
  return type === "desktop" || type === "mobile" || type === "tablet" ? type : "other";
}

function named(name: string | undefined, version: string | undefined): JsonObject | undefined {
  if (name === undefined || name === "") return undefined;
  return version === undefined || version === "" ? { name } : { name, version };
}
