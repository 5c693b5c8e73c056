// snippet: probe
// Where your server shows what it stored. `find` is asked again and again until it is as it should be, or time is up.
const stored = async (query) => {
  const response = await fetch(`${process.env.STORED_URL}?${new URLSearchParams(query)}`);
  return response.json();
};

export const probe = {
  async find(messageId) {
    const events = await stored({ messageId });
    return { count: events.length, event: events[0] };
  },
  // Needed by the cases about events without an id. `who` has a userId or an anonymousId.
  list: (who) => stored(who),
};

// Optional: makes the server unable to keep anything, so that its refusals can be looked at.
export const outage = {
  begin: () => fetch(`${process.env.STORED_URL}?outage=begin`),
  end: () => fetch(`${process.env.STORED_URL}?outage=end`),
};
// end snippet
