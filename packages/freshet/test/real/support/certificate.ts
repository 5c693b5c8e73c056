import { execFileSync } from "node:child_process";

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate that nobody has signed, for a server of a test. A missing openssl is a failure. */
export function makeCertificate(): Certificate {
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const args = [
    "req",
    ...kind,
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    "-keyout",
    "-",
    "-out",
    "-",
  ];
  const made = execFileSync("openssl", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const part = (name: string) =>
    new RegExp(`-----BEGIN ${name}-----[\\s\\S]+?-----END ${name}-----`).exec(made)?.[0] ?? "";
  return { key: part("PRIVATE KEY"), cert: part("CERTIFICATE") };
}
