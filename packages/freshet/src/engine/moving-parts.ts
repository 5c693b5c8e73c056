import { copyArrays, type Packed, unpackPart } from "../core/pack.ts";
import { emptyProfile, insertPart, type ProfileState } from "../core/profile.ts";
import type { SelfRecord } from "../core/record.ts";
import { type Mapping, migratePart } from "./migrate.ts";

type Moving = Pick<SelfRecord, "key" | "from" | "body">;

/**
 * Parts that have left their anonymous key and have not arrived at their owner. Readers merge them in: an event that
 * could be read once, a receipt for it covered, must not be gone while the log writes a record down.
 */
export class MovingParts {
  readonly #byOwner = new Map<string, Moving[]>();

  sent(record: Moving): void {
    if (record.body.kind !== "part") return;
    this.#byOwner.set(record.key, [...(this.#byOwner.get(record.key) ?? []), record]);
  }

  arrived({ key, from, body }: Moving): void {
    if (body.kind !== "part") return;
    const left = (this.#byOwner.get(key) ?? []).filter(
      (other) => other.from.offset !== from.offset || other.from.ordinal !== from.ordinal,
    );
    if (left.length > 0) this.#byOwner.set(key, left);
    else this.#byOwner.delete(key);
  }

  /** The state with what is on its way to it; the one given is not changed. */
  over(profileId: string, state: ProfileState | null, layout: PartLayout): ProfileState | null {
    const moving = this.#byOwner.get(profileId);
    if (moving === undefined) return state;
    const merged = { ...(state ?? emptyProfile(layout.segments)) };
    merged.parts = [...merged.parts];
    for (const { from, body } of moving) {
      if (body.kind !== "part") continue;
      const part = unpackPart(copyArrays(body.state as Packed));
      if (from.epoch !== layout.epoch) migratePart(part, layout.mappingFrom(from.epoch));
      insertPart(merged, { id: body.part, version: body.version, part });
    }
    return merged;
  }
}

export interface PartLayout {
  readonly epoch: number;
  readonly segments: number;
  mappingFrom(epoch: number): Mapping;
}
