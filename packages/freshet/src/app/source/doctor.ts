import { connect } from "node:net";
import type { Settings } from "../config.ts";
import type { Finding } from "../doctor.ts";

/**
 * Whether something listens where brokers should be. Nothing is said to it: a second connection of the same client id
 * would end the server's own.
 */
export async function mqttFindings({ mqtt }: Settings): Promise<Finding[]> {
  if (mqtt.length === 0) return [];
  const hasClient = await import("mqtt").then(
    () => true,
    () => false,
  );
  const missing: Finding = {
    level: "wrong",
    what: "the configuration names a broker of MQTT, but its client library is not installed",
    advice: "npm install mqtt@5",
  };
  const brokers = mqtt.map(async ({ name, url }): Promise<Finding> => {
    const { hostname, port, protocol } = new URL(url);
    const at = { host: hostname, port: Number(port) || (ports[protocol] ?? 1883) };
    const isUp = await answers(at);
    return isUp
      ? { level: "fine", what: `mqtt "${name}": ${at.host}:${at.port} answers` }
      : {
          level: "wrong",
          what: `mqtt "${name}": nothing answers at ${at.host}:${at.port}`,
          advice: "start the broker, or check its url; the server connects again by itself",
        };
  });
  return [...(hasClient ? [] : [missing]), ...(await Promise.all(brokers))];
}

const ports: Readonly<Record<string, number>> = {
  ...{ "mqtt:": 1883, "mqtts:": 8883, "ws:": 80, "wss:": 443 },
};

function answers(at: { readonly host: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(at);
    const end = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.setTimeout(connectMsMax, () => end(false));
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}

const connectMsMax = 2000;
