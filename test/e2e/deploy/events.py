"""EventBridge: what a deployed rule matches is filled in by its target's template here, and handed over by the gate (E2E_GATE), which
knows whether the rule may."""

import datetime
import json
import os
import re
import threading
import urllib.request

from __main__ import addition
from moto.events.models import Rule

GATE = os.environ["E2E_GATE"]


@addition(Rule, "send_to_targets")
def send_to_targets(original, self, event, transform_input=True):
    """moto's EventBridge knows no target that is a function or a state machine, lets a rule with a schedule match every event, and fills in
    no placeholder whose name has a hyphen: here it does, and the gate hands over."""
    if self.state == "DISABLED" or self.scheduled_expression or not self.event_pattern.matches_event(event):
        return
    # As it is told outside of moto.
    told = {key: value for key, value in event.items() if key != "ingestion-time"}
    told["time"] = datetime.datetime.now(tz=datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for target in self.targets:
        handed = {"rule": self.arn, "target": target["Arn"], "role": target.get("RoleArn"), "input": input_for(target, told)}
        # Whoever sends an event does not wait for what comes of it.
        threading.Thread(target=hand_over, args=(handed,), daemon=True).start()


def hand_over(document):
    request = urllib.request.Request(f"{GATE}/-/event", json.dumps(document).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request):
        pass


def input_for(target, event):
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""
    if "Input" in target:
        return target["Input"]
    if "InputTransformer" not in target:
        return json.dumps(event)
    template = target["InputTransformer"]["InputTemplate"]
    paths = target["InputTransformer"].get("InputPathsMap", {})

    def fill(match):
        value = at(paths[match[1]], event)
        is_within_text = len(re.findall(r'(?<!\\)"', template[: match.start()])) % 2 == 1
        return json.dumps(value)[1:-1] if is_within_text and isinstance(value, str) else json.dumps(value)

    return re.sub(r"<([\w.-]+)>", fill, template)


def at(path, event):
    root, *names = path.split(".")
    if root != "$" or "[" in path:
        raise ValueError(f"Nothing here finds {path} in an event.")
    for name in names:
        event = event[name]
    return event
