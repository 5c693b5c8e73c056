/** `npm run traffic`: more demo traffic for a running shop, until it is stopped. */
import { startTraffic } from "./traffic.ts";

const url = process.env["FRESHET_URL"] ?? "http://127.0.0.1:8080";
const eventsPerSecond = Number(process.argv[2] ?? 50);
try {
  const answer = await fetch(`${url}/shop/session`);
  const { writeKey } = (await answer.json()) as { readonly writeKey: string };
  process.stdout.write(`about ${eventsPerSecond} events per second to ${url}; stop with Ctrl-C\n`);
  startTraffic({ url, writeKey, eventsPerSecond });
  setInterval(() => {}, 3_600_000);
} catch (error) {
  process.stderr.write(
    `no shop answers at ${url}: ${(error as Error).message}\n  hint: npm start\n`,
  );
  process.exitCode = 1;
}
