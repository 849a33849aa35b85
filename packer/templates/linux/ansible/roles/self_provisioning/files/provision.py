#!/usr/bin/python3
"""Provisions this instance: reads its user data, checks it, and runs the image's playbook with it.

User data is a JSON document (see /opt/packleader/schemas/instance-metadata.schema.json) and never a script. Whatever is
wrong with it ends this program with status 1 and a message in the journal, on the console (`aws ec2
get-console-output`), in the message of the day and in /run/packleader/provision.json; the instance stays reachable.

AWS_EC2_METADATA_SERVICE_ENDPOINT  where the metadata service is, as for the AWS SDKs
                                   (default http://169.254.169.254)
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

import jsonschema

HOME = pathlib.Path("/opt/packleader")
RUN = pathlib.Path("/run/packleader")
MOTD = pathlib.Path("/etc/motd.d/50-packleader")
LOG = pathlib.Path("/var/log/packleader/provision.log")
ENDPOINT = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")

# The metadata service answers within milliseconds once the network is up: 30 tries, one second apart.
TRIES = 30


class BadMetadata(Exception):
    """The user data is missing, or is not what the schema asks for."""


class ProvisioningFailed(Exception):
    """The metadata is good, and the playbook failed all the same."""


def request(method, path, headers):
    """Asks the metadata service. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"""
    for left in reversed(range(TRIES)):
        try:
            call = urllib.request.Request(ENDPOINT + path, method=method, headers=headers)
            with urllib.request.urlopen(call, timeout=2) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            if error.code < 500 or left == 0:
                raise
        except OSError as error:
            if left == 0:
                raise BadMetadata(f"The metadata service at {ENDPOINT} does not answer: {error}.") from error
        time.sleep(1)
    raise AssertionError("unreachable")


def read_user_data():
    """Returns the user data as text; raises BadMetadata where there is none."""
    token = request("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}).decode("ascii")
    try:
        data = request("GET", "/latest/user-data", {"X-aws-ec2-metadata-token": token})
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise BadMetadata("The instance has no user data; it needs a JSON document.") from error
        raise BadMetadata(f"The metadata service answered {error.code} when asked for the user data.") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadMetadata("The user data is not UTF-8 text; it must be a JSON document, not compressed.") from error


def parse(text, schema):
    """Returns the metadata; raises BadMetadata with every way in which it is wrong."""
    try:
        metadata = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadMetadata(f"The user data is not JSON: {error}.") from error
    problems = sorted(
        f"{'/'.join(str(part) for part in error.absolute_path) or 'the document'}: {error.message}"
        for error in jsonschema.Draft7Validator(schema).iter_errors(metadata)
    )
    if problems:
        raise BadMetadata("The user data is not valid: " + "; ".join(problems) + ".")
    return metadata


def write(path, text, mode):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.touch(mode=mode, exist_ok=True)
    temporary.chmod(mode)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def as_variables(value):
    """Returns the value as YAML in which no text is a template. Ansible loses what is in a map that is tagged itself."""
    if isinstance(value, dict):
        members = (f"{json.dumps(key, ensure_ascii=False)}: {as_variables(member)}" for key, member in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_variables(member) for member in value) + "]"
    text = json.dumps(value, ensure_ascii=False)
    return f"!unsafe {text}" if isinstance(value, str) else text


def run_playbook(metadata):
    """Runs the image's boot-time playbook; its output goes to the journal and to LOG."""
    variables = RUN / "variables.yml"
    write(variables, f"instance_metadata: {as_variables(metadata)}\n", 0o600)
    environment = dict(os.environ, ANSIBLE_CONFIG=str(HOME / "ansible/ansible.cfg"), LC_ALL="C.UTF-8", HOME="/root")
    command = ["ansible-playbook", "--connection", "local", "--inventory", "localhost,"]
    command += ["--extra-vars", f"@{variables}", str(HOME / "playbooks/provision.yml")]
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with open(LOG, "ab") as log:
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            for line in process.stdout:
                log.write(line)
                sys.stdout.buffer.write(line)
                sys.stdout.flush()
    if process.returncode != 0:
        raise ProvisioningFailed(f"The playbook failed with status {process.returncode}: see {LOG}.")


def report(state, message):
    """Says how it ended wherever somebody may look."""
    write(RUN / "provision.json", json.dumps({"state": state, "message": message}) + "\n", 0o644)
    if state == "failed":
        write(MOTD, f"\nPROVISIONING FAILED: {message}\nMore: journalctl -u packleader-provision\n\n", 0o644)
    else:
        MOTD.unlink(missing_ok=True)
    print(f"packleader: {state}: {message}", file=sys.stderr if state == "failed" else sys.stdout, flush=True)


def main():
    try:
        schema = json.loads((HOME / "schemas/instance-metadata.schema.json").read_text(encoding="utf-8"))
        metadata = parse(read_user_data(), schema)
        if metadata["environment"] == "bake" and metadata["role"] == "builder":
            report("skipped", "This is the builder of an image: the bake provisions it.")
            return 0
        write(RUN / "metadata.json", json.dumps(metadata, indent=2) + "\n", 0o600)
        run_playbook(metadata)
    except (BadMetadata, ProvisioningFailed) as error:
        report("failed", str(error))
        return 1
    except Exception as error:
        report("failed", f"{type(error).__name__}: {error}")
        raise
    report("done", f"Provisioned as {metadata['role']} in {metadata['environment']}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
