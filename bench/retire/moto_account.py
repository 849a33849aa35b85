"""An account with years of AMIs, for `npm run bench:retire`: an addition to test/e2e/moto_server.py, which runs it before it serves.

BENCH_RETIRE says how many there are, and how many are to go; BENCH_CALLS names the file that gets a line for each call.
"""

import json
import os
from copy import copy
from datetime import timedelta

from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix
from moto.ssm.models import SimpleSystemManagerBackend

bench = json.loads(os.environ["BENCH_RETIRE"])
calls = open(os.environ["BENCH_CALLS"], "a", encoding="utf-8", buffering=1)

call_action = BaseResponse.call_action
describe_images = AmisResponse.describe_images
describe_parameters = SimpleSystemManagerBackend.describe_parameters


def counted(self):
    calls.write(f"{self.service_name}:{self._get_action()}\n")
    return call_action(self)


def in_pages(self):
    """moto gives all AMIs in one answer; EC2 as many as were asked for, and at most 1,000."""
    images = describe_images(self).result["Images"]
    if self._get_param("ImageIds", []):
        return ActionResult({"Images": images})
    size = min(int(self._get_param("MaxResults", 1000)), 1000)
    start = int(self._get_param("NextToken", 0) or 0)
    more = {"NextToken": str(start + size)} if start + size < len(images) else {}
    return ActionResult({"Images": images[start : start + size], **more})


def by_data_type(self, filters, parameter_filters):
    """moto knows no filter of that name."""
    wanted = [one["Values"] for one in parameter_filters or [] if one["Key"] == "DataType"]
    others = [one for one in parameter_filters or [] if one["Key"] != "DataType"]
    found = describe_parameters(self, filters, others)
    return [one for one in found if all(one.data_type in values for values in wanted)]


def tags_of_one(self):
    """moto looks through the tags of everything for those of one thing, and so a call for all AMIs would take hours."""
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id), "")
    tags = self.ec2_backend.tags.get(self.id, {})
    return [
        {"resource_id": self.id, "key": key, "value": value, "resource_type": kind} for key, value in tags.items()
    ]


TaggedEC2Resource.get_tags = tags_of_one
BaseResponse.call_action = counted
AmisResponse.describe_images = in_pages
SimpleSystemManagerBackend.describe_parameters = by_data_type

backend = ec2_backends[bench["accountId"]][bench["region"]]
now = utcnow()


# moto makes a volume for every AMI and looks through all of them each time: the others are copies of one.
model = Ami(
    backend,
    "ami-0",
    root_device_type="ebs",
    virtualization_type="hvm",
    architecture="x86_64",
    region_name=f"{bench['region']}a",
)
backend.snapshots.pop(model.ebs_snapshot.id)


def add(number, age_days, opted_in, retirement):
    """One AMI, which is a version of its own."""
    created = now - timedelta(days=age_days, seconds=number)
    image = f"image-{number % bench['images']}"
    version = f"1.4.{created:%Y%m%d%H%M%S}"
    ami = copy(model)
    ami.id = f"ami-{number:017x}"
    ami.name = f"{image}-{version}-g0000000"
    ami.creation_date = created
    ami.state = "disabled" if retirement else "available"
    ami.ebs_snapshot = copy(model.ebs_snapshot)
    ami.ebs_snapshot.id = f"snap-{number:017x}"
    backend.snapshots[ami.ebs_snapshot.id] = ami.ebs_snapshot
    tags = {
        "packleader:release": f"{image}@{version}",
        "packleader:image": image,
        "packleader:version": version,
        "packleader:state": "released",
        "AutoCleanup": "true" if opted_in else "false",
    }
    if retirement:
        tags["packleader:retirement"] = f"disabled {now - timedelta(days=30):%Y-%m-%dT%H:%M:%S.000Z}"
    for tagged in (ami, ami.ebs_snapshot):
        backend.tags[tagged.id].update(tags)
    backend.amis[ami.id] = ami
    return ami.id


used = []
for number in range(bench["amis"]):
    if number < bench["going"]:
        add(number, 400, True, True)
    elif number < bench["going"] + bench["used"]:
        used.append(add(number, 300, True, False))
    elif number < bench["going"] + bench["used"] + bench["kept"]:
        add(number, 300, False, False)
    else:
        add(number, 10, True, False)
for image_id in used:
    backend.run_instances(
        image_id, 1, b"", [], instance_type="t3.micro", is_instance_type_default=False, client_token=image_id
    )
