/** Import speed: the real command over the real file where it is at hand, else over a generated one of its shape. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, usualFlags } from "./server.ts";
import { randomOf, root } from "./shape.ts";

export interface ImportSpeed {
  readonly file: string;
  readonly rows: number;
  readonly rowsPerSecond: number;
}

const generatedRows = 200_000;

/** Rows per second of the whole command: start, plan, reading, log on disk, applied, last checkpoint. */
export function measureImport(): ImportSpeed {
  const folder = mkdtempSync(join(tmpdir(), "freshet-bench-import-"));
  const datasets = process.env["FRESHET_DATASETS"];
  const real = datasets === undefined ? "" : join(datasets, "online-retail.csv.gz");
  const file = existsSync(real) ? real : generate(join(folder, "generated.csv"));
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...usualFlags,
      command,
      "import",
      file,
      "--mapping",
      "online-retail",
      "--config",
      join(root, "examples/history/freshet.config.ts"),
      "--data",
      join(folder, "data"),
      "--json",
    ],
    { encoding: "utf8" },
  );
  const seconds = (performance.now() - began) / 1000;
  rmSync(folder, { recursive: true, force: true });
  if (status !== 0) throw new Error(`import ended with code ${status}: ${stderr}`);
  const { progress } = JSON.parse(stdout) as { readonly progress: { readonly rows: number } };
  const { rows } = progress;
  return {
    file: file === real ? "online-retail.csv.gz" : "generated file of its shape",
    rows,
    rowsPerSecond: rows / seconds,
  };
}

function generate(path: string): string {
  const random = randomOf(11);
  const lines = [
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
  ];
  for (let row = 0; row < generatedRows; row++) {
    const invoice = 500_000 + Math.floor(row / 20);
    const stock = 20_000 + Math.floor(random() * 4000);
    const quantity = 1 + Math.floor(random() * 12);
    const price = (1 + Math.floor(random() * 900)) / 100;
    const customer = random() < 0.25 ? "" : `${12_000 + Math.floor(random() * 4000)}.0`;
    const day = String(1 + (Math.floor(row / 8000) % 28)).padStart(2, "0");
    lines.push(
      `${invoice},${stock},THING ${stock},${quantity},2011-03-${day} 10:00:00,${price},${customer},France`,
    );
  }
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}
