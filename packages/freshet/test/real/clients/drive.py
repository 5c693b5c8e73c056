"""Segment's client for Python, driven by lines of JSON: a call each, and "flush", which is answered with an account."""

import json
import sys
from datetime import datetime

from segment.analytics.client import Client

options = json.loads(sys.argv[1])
sent = []
failed = []


def note_failure(error, batch):
    failed.extend(message["messageId"] for message in batch)
    print(f"gave up: {error}", file=sys.stderr)


client = Client(
    options["writeKey"],
    host=options["url"],
    gzip=options["gzip"],
    timeout=options["timeoutMs"] / 1000,
    on_error=note_failure,
)


def time_of(call):
    timestamp = call.get("timestamp")
    return None if timestamp is None else datetime.fromisoformat(timestamp.replace("Z", "+00:00"))


def common(call):
    return {
        "user_id": call.get("userId"),
        "anonymous_id": call.get("anonymousId"),
        "timestamp": time_of(call),
    }


def perform(call):
    match call["type"]:
        case "track":
            return client.track(event=call["event"], properties=call.get("properties"), **common(call))
        case "identify":
            return client.identify(traits=call.get("traits"), **common(call))
        case "page":
            return client.page(name=call.get("name"), properties=call.get("properties"), **common(call))
        case "screen":
            return client.screen(name=call.get("name"), properties=call.get("properties"), **common(call))
        case "group":
            return client.group(group_id=call["groupId"], traits=call.get("traits"), **common(call))
        case "alias":
            return client.alias(previous_id=call["previousId"], user_id=call["userId"])


for line in sys.stdin:
    command = json.loads(line)
    if command == "flush":
        client.flush()
        account = {"delivered": [each for each in sent if each not in failed], "failed": failed}
        print(json.dumps(account), flush=True)
        continue
    success, message = perform(command)
    if not success:
        raise SystemExit(f"the client refused {command}")
    sent.append(message["messageId"])
