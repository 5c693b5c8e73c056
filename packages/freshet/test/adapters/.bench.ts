import { rmSync } from "node:fs";
import { BatchEncoder } from "../../src/adapters/log/encoder.ts";
import { openLmdbLog } from "../../src/adapters/log/lmdb.ts";
import { openLmdbState } from "../../src/adapters/state/lmdb.ts";
const ev = (i: number) => ({ kind: "event" as const, partition: i % 64, at: 1763700000000 + i, key: `user:u${i % 5000}`, event: { id: `m-${i}-abcdef0123456789`, type: "track" as const, name: "Product Viewed", userId: `u${i % 5000}`, time: 1763700000000 + i, source: "web", properties: { product_id: `p${i % 900}`, sku: "G-32-xyz", category: "Games", price: 1899, currency: "EUR", quantity: 1, url: "https://shop.example.com/p/monopoly", position: 3 } } });
let n = 0; const mk = () => Array.from({ length: 50 }, () => ev(n++));
{ const e = new BatchEncoder(); const sets = Array.from({length:200}, mk);
  for (let r = 0; r < 5; r++) { const t = performance.now(); for (const s of sets) { e.add(s); e.seal({ firstOffset: 0, countedBefore: 0, bytesBefore: 0 }); e.reset(); } console.log("encode 50 events us", ((performance.now() - t) / sets.length * 1000).toFixed(1)); }
  e.add(sets[0]!); console.log("bytes per event", e.bytes / 50, "json", JSON.stringify(sets[0]![0]!.event).length);
}
rmSync("/tmp/ad/b", { recursive: true, force: true });
{ const log = await openLmdbLog({ folder: "/tmp/ad/b/log" }); log.onCommitted(() => {});
  for (const writers of [1, 16]) { const lat: number[] = []; const sets = Array.from({length: 64}, mk); let stop = false; const t = performance.now(); setTimeout(() => { stop = true; }, 2500); let k = 0;
    await Promise.all(Array.from({ length: writers }, async () => { while (!stop) { const a = performance.now(); await log.append(sets[k++ % 64]!); lat.push(performance.now() - a); } }));
    const s = (performance.now() - t) / 1000; lat.sort((a, b) => a - b); console.log({ writers, appendsPerS: Math.round(lat.length / s), eventsPerS: Math.round(lat.length * 50 / s), p50: lat[lat.length >> 1]!.toFixed(2), p99: lat[Math.floor(lat.length * .99)]!.toFixed(2), MB: (log.bytes / 1e6).toFixed(0) }); }
  let t = performance.now(); let c = 0; for (const b of log.read(0)) { c += b.records.length; if (c > 200000) break; } console.log("read records/s", Math.round(c / (performance.now() - t) * 1000));
  t = performance.now(); for (let i = 0; i < 2000; i++) log.get(Math.floor(Math.random() * log.next)); console.log("get us", ((performance.now() - t) / 2).toFixed(1));
  t = performance.now(); await log.trim(log.next / 2); console.log("trim half ms", (performance.now() - t).toFixed(0)); await log.close();
  t = performance.now(); const l2 = await openLmdbLog({ folder: "/tmp/ad/b/log" }); console.log("reopen ms", (performance.now() - t).toFixed(1), l2.first, l2.next); await l2.close(); }
{ const st = await openLmdbState({ folder: "/tmp/ad/b/state" }); let maxb = 0, last = performance.now(), run = true; (function tick() { const x = performance.now(); maxb = Math.max(maxb, x - last); last = x; if (run) setImmediate(tick); })();
  for (let r = 0; r < 6; r++) { const changes = Array.from({ length: 10000 }, () => ({ table: "state" as const, key: "user:" + Math.floor(Math.random() * 100000), value: Buffer.alloc(1024, r) })); await new Promise((f) => setTimeout(f, 30)); maxb = 0; last = performance.now(); const t = performance.now(); const p = st.commit(changes); const block = performance.now() - t; await p; console.log("state 10k", { block: block.toFixed(1), ms: (performance.now() - t).toFixed(0), maxLoop: maxb.toFixed(1) }); }
  const t = performance.now(); for (let i = 0; i < 20000; i++) st.get("state", "user:" + Math.floor(Math.random() * 100000)); console.log("state get us", ((performance.now() - t) / 20).toFixed(2));
  run = false; await st.close(); }
