import type { Json } from "@freshet/protocol";
import type { Effect } from "../effect.ts";
import type { Scope } from "../expression/evaluate.ts";
import { hashHex } from "../hash.ts";
import type { CompiledTrigger } from "../plan/compile.ts";
import type { PartState } from "../profile.ts";
import type { ProfileView } from "../view.ts";

export interface Firing {
  readonly profileId: string;
  /** The part that remembers the firing. */
  readonly part: PartState;
  readonly view: ProfileView;
  readonly scope: Scope;
  readonly cause: string;
  readonly at: number;
  readonly effects: Effect[];
}

/** Fires unless its condition does not hold or its cooldown still runs. */
export function fireTrigger(trigger: CompiledTrigger, firing: Firing): void {
  if (trigger.when !== null && !trigger.when(firing.scope)) return;
  const { name, cooldownMs } = trigger.definition;
  if (cooldownMs > 0 && firedSince(firing.view, name, firing.at - cooldownMs)) return;
  const effectId = hashHex(`${name}\n${firing.profileId}\n${firing.cause}`);
  if (cooldownMs > 0) remember(trigger, firing, effectId);
  trigger.definition.actions.forEach((action, index) => {
    const compiled = trigger.actions[index];
    if (compiled === undefined) return;
    const fields: { [name: string]: Json } = {};
    for (const [field, evaluate] of compiled.fields) fields[field] = evaluate(firing.scope);
    const id = index === 0 ? effectId : `${effectId}.${index}`;
    const { profileId, cause, at } = firing;
    const common = { id, rule: name, profileId, at, cause, fields };
    firing.effects.push(
      action.kind === "send"
        ? { kind: "send", destination: action.destination, ...common }
        : { kind: "push", topic: action.topic, ...common },
    );
  });
}

/** Cooldowns read the fold: what another device of the same person set off counts too. */
function firedSince(view: ProfileView, rule: string, time: number): boolean {
  for (const { part } of view.state.parts)
    for (const entry of part.fired) if (entry.rule === rule && entry.time > time) return true;
  return false;
}

function remember(trigger: CompiledTrigger, firing: Firing, effectId: string): void {
  const { name } = trigger.definition;
  const oldest = firing.at - firing.view.plan.cooldownMsMax;
  const { fired } = firing.part;
  const kept = fired.filter((entry) => entry.time > oldest);
  kept.push({ rule: name, time: firing.at, effectId });
  firing.part.fired = kept;
}
