/** A filter of MQTT whose wildcards may have names: `shop/+store/events`, `sensors/+anonymousId/#rest`. */
export interface TopicFilter {
  /** As the broker takes it. */
  readonly subscription: string;
  /** What the named wildcards stand for in a topic, or null where it does not match. */
  match(topic: string): { readonly [name: string]: string } | null;
}

/** Why a text is no filter, or undefined. */
export function topicFilterFault(filter: string): string | undefined {
  if (filter === "" || filter.length > filterCharsMax)
    return `is 1 to ${filterCharsMax} characters`;
  const levels = filter.split("/");
  const names: string[] = [];
  for (const [index, level] of levels.entries()) {
    if (level.includes("\u0000")) return "has a character that no topic may have";
    const wildcard = /[+#]/.exec(level)?.[0];
    if (wildcard === undefined) continue;
    if (!wildcardForm.test(level)) return `has "${level}", which is no whole level`;
    if (wildcard === "#" && index < levels.length - 1) return 'has "#" before its end';
    if (level.length > 1) names.push(level.slice(1));
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `names two levels "${twice}"`;
}

const wildcardForm = /^[+#](?:[A-Za-z_]\w{0,62})?$/;
/** Topics of MQTT are at most 65,535 bytes; nobody writes a filter like that by hand. */
const filterCharsMax = 1024;

/** For filters that have no fault. */
export function parseTopicFilter(filter: string): TopicFilter {
  const levels = filter.split("/");
  return {
    subscription: levels.map((level) => (/^[+#]/.test(level) ? level[0] : level)).join("/"),
    match: (topic) => matchLevels(levels, topic.split("/")),
  };
}

function matchLevels(
  filter: readonly string[],
  topic: readonly string[],
): { readonly [name: string]: string } | null {
  // A wildcard at the beginning does not stand for topics of the broker itself.
  if (topic[0]?.startsWith("$") === true && /^[+#]/.test(filter[0] ?? "")) return null;
  const names: [string, string][] = [];
  for (const [index, level] of filter.entries()) {
    if (level.startsWith("#")) {
      if (level.length > 1) names.push([level.slice(1), topic.slice(index).join("/")]);
      return Object.fromEntries(names);
    }
    const part = topic[index];
    if (part === undefined || (!level.startsWith("+") && part !== level)) return null;
    if (level.length > 1 && level.startsWith("+")) names.push([level.slice(1), part]);
  }
  return topic.length === filter.length ? Object.fromEntries(names) : null;
}
