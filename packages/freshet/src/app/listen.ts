import type { Server } from "../server/index.ts";
import { makeSocketPlace } from "./collect/place.ts";
import type { CollectorParts, CollectorThread } from "./collect/thread.ts";
import type { Settings } from "./config.ts";
import { UsageError } from "./usage-error.ts";

interface Front {
  readonly collector: CollectorThread;
  readonly parts: CollectorParts;
  readonly writeKey: string;
}

/** Opens the port, in the collector's thread where there is one, and resolves with the address. */
export async function listen(
  server: Server,
  { port, host }: Pick<Settings, "port" | "host">,
  front: Front | undefined,
): Promise<string> {
  try {
    return await (front === undefined ? server.app.listen({ port, host }) : behind(server, front));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      throw new UsageError(
        `port ${port} is in use on ${host}`,
        `stop what runs there, or take another one: FRESHET_PORT=${port + 1} npm start`,
        1,
      );
    if (code === "EACCES" || code === "EADDRNOTAVAIL")
      throw new UsageError(
        `cannot listen on ${host}:${port} (${code})`,
        "use another port or host",
        1,
      );
    throw error;
  }
}

async function behind({ app }: Server, { collector, parts, writeKey }: Front): Promise<string> {
  const place = makeSocketPlace();
  app.addHook("onClose", async () => place.remove());
  await app.listen({ path: place.path });
  return collector.open(parts, { writeKey, socketPath: place.path });
}
