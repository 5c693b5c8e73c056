/**
 * Properties that only the small script itself reads and writes: its build makes letters of them. None of them may be
 * on the wire, in the public types, or what the script asks of the browser; `test/script.test.ts` looks.
 */
export const internalNames = `
  add added adopt allow asOf ask at batchBytesMax batchEventsMax batchMax beat become bytes bytesLeft bytesMax capture
  changed commands drop end enter eventBytesMax events eventsMax feed flushTo forget here id isHeld journal keep kind
  lend lingerMs number open openMax outcome pass permission permit preferences prefix queue read receipt requests
  retryAfter retryAfterMs retryAfterMsMax retryAt retryMs retryMsMax retryMsMin say send sender settings settled state
  store take text unsettled until visitor waiting write active request bounds
`
  .trim()
  .split(/\s+/);
