import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

/**
 * Throws where the file of an LMDB folder is none, or was cut: lmdb-js ends the process when it opens such a file. Looks at
 * the two first pages only; what is damaged behind them LMDB finds itself. The places are those of lmdb-js 3.5.
 */
export function checkLmdbFile(folder: string): void {
  const path = join(folder, "data.mdb");
  if (!existsSync(path)) return;
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    // A process that was killed while it made the folder leaves an empty one, which LMDB fills.
    if (size === 0) return;
    const first = metaAt(file, 0);
    const second = metaAt(file, first.pageBytes);
    for (const { rootPages, pageBytes } of [first, second])
      for (const page of rootPages)
        if (page !== noPage && (page + 1n) * BigInt(pageBytes) > size)
          throw new Error(`"${path}" was cut: it has ${size} bytes and no page ${page}`);
  } finally {
    closeSync(file);
  }
}

const magic = 0xbeefc0de;
const noPage = 0xffff_ffff_ffff_ffffn;
const place = { magic: 24, pageBytes: 48, rootPages: [88, 136] } as const;
const metaBytes = 152;

function metaAt(file: number, offset: number) {
  const bytes = Buffer.alloc(metaBytes);
  const read = readSync(file, bytes, 0, metaBytes, offset);
  const pageBytes = bytes.readUInt32LE(place.pageBytes);
  const isPage = pageBytes >= 512 && pageBytes <= 65_536;
  if (read < metaBytes || bytes.readUInt32LE(place.magic) !== magic || !isPage)
    throw new Error("its file is not one of LMDB");
  return { pageBytes, rootPages: place.rootPages.map((at) => bytes.readBigUInt64LE(at)) };
}
