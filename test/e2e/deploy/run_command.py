"""Systems Manager's agents and Run Command. What is sent runs in a Debian root, behind the gate: E2E_GATE is its address."""

import datetime
import json
import os
import threading
import urllib.request

from __main__ import addition
from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

GATE = os.environ["E2E_GATE"]


@addition(SimpleSystemManagerResponse, "describe_instance_information")
def describe_instance_information(original, self):
    """moto has no agents of Systems Manager: here every instance that runs has one."""
    asked = [value for one in self._get_param("Filters", []) if one["Key"] == "InstanceIds" for value in one["Values"]]
    known = ec2_backends[self.current_account][self.region].all_reservations()
    running = [one.id for of in known for one in of.instances if one.state == "running" and one.id in asked]
    return ActionResult({"InstanceInformationList": [{"InstanceId": one, "PingStatus": "Online"} for one in running]})


@addition(SimpleSystemManagerBackend, "send_command")
def send_command(original, self, *args, **kwargs):
    """moto's Run Command says that a command has succeeded, and runs none: here it runs in a Debian root, as an instance would run it."""
    command = original(self, *args, **kwargs)
    for invocation in command.invocations:
        invocation.update(Status="InProgress", StatusDetails="InProgress", ResponseCode=-1)
        threading.Thread(target=run, args=(invocation, command.parameters["commands"]), daemon=True).start()
    return command


def run(invocation, commands):
    document = json.dumps({"instanceId": invocation["InstanceId"], "commands": commands}).encode()
    request = urllib.request.Request(f"{GATE}/-/command", document, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        ended = json.load(answer)
    status = "Success" if ended["code"] == 0 else "Failed"
    invocation.update(
        ResponseCode=ended["code"],
        # As many characters as Systems Manager keeps.
        StandardOutputContent=ended["stdout"][:24000],
        StandardErrorContent=ended["stderr"][:8000],
        StatusDetails=status,
        Status=status,
    )


@addition(SimpleSystemManagerResponse, "list_command_invocations")
def list_command_invocations(original, self):
    """moto lists no invocations of commands."""
    commands = self.ssm_backend.get_commands_by_instance_id(self._get_param("InstanceId"))
    found = [
        {"CommandId": one.command_id, "InstanceId": of["InstanceId"], "Status": of["Status"], "RequestedDateTime": seconds(one)}
        for one in commands
        for of in one.invocations
        if of["InstanceId"] == self._get_param("InstanceId")
    ]
    return ActionResult({"CommandInvocations": found})


def seconds(command):
    return command.requested_date_time.replace(tzinfo=datetime.timezone.utc).timestamp()
