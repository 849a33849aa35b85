"""moto as an AWS for packleader's end-to-end runs: `moto_server.py <port> <seed.json> [<addition.py> ...]`.

Every addition to moto is in this file, or in those that are named besides, with the reason. The seed holds what others own (public AMIs and their parameters) and
the roles that the stacks would have deployed: {hub: account, launchSeconds, instanceProfiles: [...], amis: [...], parameters: {name: value}, roles: [{arn, externalId}]}.
"""

import json
import os
import runpy
import sys
import time
from pathlib import Path

port, seed_file, additions = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
seed = json.loads(seed_file.read_text(encoding="utf-8"))
amis_file = seed_file.with_suffix(".amis.json")
amis_file.write_text(json.dumps(seed["amis"]), encoding="utf-8")
# Read when moto is imported. Its own AMIs are years old, and a source AMI may not be.
os.environ["MOTO_AMIS_PATH"] = str(amis_file)

from moto.core.responses import ActionResult, EmptyResult  # noqa: E402
from moto.core.utils import utcnow  # noqa: E402
from moto.ec2.exceptions import EC2ClientError  # noqa: E402
from moto.ec2.models import ec2_backends  # noqa: E402
from moto.ec2.models.amis import Ami, AmiBackend  # noqa: E402
from moto.ec2.models.instances import InstanceBackend  # noqa: E402
from moto.ec2.responses import EC2Response  # noqa: E402
from moto.ec2.responses.amis import AmisResponse  # noqa: E402
from moto.ec2.responses.elastic_block_store import ElasticBlockStore  # noqa: E402
from moto.ec2.utils import random_ami_id  # noqa: E402
import moto.iam.models  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.kms.models import kms_backends  # noqa: E402
from moto.server import main  # noqa: E402
from moto.ssm.models import Parameter, ParameterDict, ssm_backends  # noqa: E402
from moto.sts.exceptions import STSClientError  # noqa: E402
from moto.sts.models import STSBackend  # noqa: E402


# What moto does not do, or does otherwise than AWS, and what is done here instead; written beside the seed.
detours = []


def detour(text):
    detours.append(" ".join(text.split()))


def addition(owner, name):
    """Replaces `owner.name` by a function that gets the original one as its first argument, and whose docstring says why."""
    original = getattr(owner, name, None)

    def install(function):
        detour(function.__doc__)
        setattr(owner, name, lambda self, *args, **kwargs: function(original, self, *args, **kwargs))

    return install


@addition(AmiBackend, "create_image")
def create_image(original, self, instance_id, name, description, tag_specifications):
    """moto raises NotImplementedError for snapshot tags, says nothing of ENA, and makes the AMI of a volume of its own: instance
    store, 15 GiB, not encrypted.
    EC2 refuses a name that is taken."""
    if any(ami.name == name for ami in self.amis.values()):
        raise duplicate_name(name)
    others = [spec for spec in tag_specifications if spec["ResourceType"] != "snapshot"]
    ami = original(self, instance_id, name, description, others)
    instance = self.get_instance(instance_id)
    root = instance.get_block_device_mapping[0]
    volume = self.get_volume(root[1].volume_id)
    ami.root_device_name = root[0]
    ami.root_device_type = "ebs"
    ami.ena_support = True
    ami.ebs_snapshot.encrypted = volume.encrypted
    ami.ebs_snapshot.kms_key_id = volume.kms_key_id
    ami.ebs_snapshot.volume = volume
    for spec in tag_specifications:
        if spec["ResourceType"] == "snapshot":
            ami.ebs_snapshot.add_tags({tag["Key"]: tag["Value"] for tag in spec["Tags"]})
    return ami


@addition(AmisResponse, "copy_image")
def copy_image(original, self):
    """moto copies within an account, whatever is asked for besides: of a volume of its own, without tags, token and encryption.
    EC2 copies what was shared, AMI and snapshots, and encrypts it with a key of its new account."""
    backend, account = self.ec2_backend, self.current_account
    token, name = self._get_param("ClientToken"), self._get_param("Name")
    place = (account, backend.region_name, token)
    if token and place in copies:
        return ActionResult({"ImageId": copies[place]})
    source_id, source_region = self._get_param("SourceImageId"), self._get_param("SourceRegion")
    source = next(
        (ec2[source_region].amis[source_id] for ec2 in list(ec2_backends.values()) if source_id in ec2[source_region].amis),
        None,
    )
    is_own = source is not None and source.owner_id == account
    if source is None or not (is_own or source.is_public or {"UserId": account} in source.launch_permissions):
        raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{source_id}]' does not exist")
    if not (is_own or account in source.ebs_snapshot.create_volume_permission_userids):
        raise EC2ClientError("InvalidRequest", "You do not have permission to access the storage of this ami")
    if any(ami.name == name for ami in backend.amis.values()):
        raise duplicate_name(name)
    ami = Ami(backend, random_ami_id(), source_ami=source, name=name)
    ami.root_device_name, ami.root_device_type = source.root_device_name, source.root_device_type
    ami.ena_support, ami.boot_mode = source.ena_support, source.boot_mode
    if hasattr(source, "imds_support"):
        ami.imds_support = source.imds_support
    ami.source_image_id, ami.source_image_region = source_id, source_region
    snapshot = ami.ebs_snapshot
    snapshot.volume = source.ebs_snapshot.volume
    snapshot.description = f"Copied for DestinationAmi {ami.id} from SourceAmi {source_id} for SourceSnapshot {source.ebs_snapshot.id}."
    snapshot.encrypted = self._get_bool_param("Encrypted", False) or source.ebs_snapshot.encrypted
    snapshot.kms_key_id = key_of(backend, account, self._get_param("KmsKeyId")) if snapshot.encrypted else None
    for spec in self._get_param("TagSpecifications", []):
        tagged = snapshot if spec["ResourceType"] == "snapshot" else ami
        tagged.add_tags({tag["Key"]: tag["Value"] for tag in spec["Tags"]})
    backend.amis[ami.id] = ami
    copies[place] = ami.id
    return ActionResult({"ImageId": ami.id})


@addition(ElasticBlockStore, "modify_snapshot_attribute")
def modify_snapshot_attribute(original, self):
    """moto knows the older parameters for who may copy a snapshot alone."""
    changes, snapshot = self._get_param("CreateVolumePermission"), self._get_param("SnapshotId")
    if not changes:
        return original(self)
    users = {how: [one["UserId"] for one in changes.get(how, []) if "UserId" in one] for how in ("Add", "Remove")}
    self.ec2_backend.add_create_volume_permission(snapshot, user_ids=users["Add"], groups=[])
    self.ec2_backend.remove_create_volume_permission(snapshot, user_ids=users["Remove"], groups=[])
    return EmptyResult()


# By account, region and token.
copies = {}


def key_of(backend, account, name):
    if name in (None, "alias/aws/ebs"):
        return backend._create_default_encryption_key()
    return kms_backends[account][backend.region_name].describe_key(name).arn


def duplicate_name(name):
    return EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use")


def block_device_mappings(ami):
    """moto says nothing of encryption, and always 15 GiB."""
    snapshot = ami.ebs_snapshot
    ebs = {
        "SnapshotId": snapshot.id,
        "VolumeSize": snapshot.volume.size,
        "VolumeType": "gp3",
        "Encrypted": bool(snapshot.encrypted),
        "DeleteOnTermination": True,
    }
    return [{"DeviceName": ami.root_device_name, "Ebs": ebs}]


Ami.block_device_mappings = property(block_device_mappings)


@addition(AmisResponse, "modify_image_attribute")
def modify_image_attribute(original, self):
    """moto knows launch permissions alone."""
    imds = self._get_param("ImdsSupport", {}).get("Value")
    if imds:
        self.ec2_backend.amis[self._get_param("ImageId")].imds_support = imds
    return original(self)


@addition(AmisResponse, "deregister_image")
def deregister_image(original, self):
    """moto keeps the snapshots, as EC2 did before DeleteAssociatedSnapshots."""
    ami = self.ec2_backend.amis.get(self._get_param("ImageId"))
    answer = original(self)
    if ami and self._get_bool_param("DeleteAssociatedSnapshots", False):
        self.ec2_backend.snapshots.pop(ami.ebs_snapshot.id, None)
    return answer


@addition(InstanceBackend, "run_instances")
def run_instances(original, self, *args, **kwargs):
    """A launch takes EC2 seconds, and moto nothing; but Packer, which finds no sshd, waits five seconds before it looks again.
    moto does not know a request that is repeated by its token, and tags no network interfaces."""
    token = kwargs.get("client_token")
    for reservation in self.reservations.values():
        if any(instance.client_token == token != NO_TOKEN for instance in reservation.instances):
            return reservation
    tags = kwargs.get("tags", {}).get("network-interface", {})
    reservation = original(self, *args, **kwargs)
    for instance in reservation.instances:
        for interface in instance.nics.values():
            interface.add_tags(tags)
    time.sleep(seed["launchSeconds"])
    return reservation


# What moto gives to a launch without a token.
NO_TOKEN = "ABCDE"


@addition(InstanceBackend, "terminate_instances")
def terminate_instances(original, self, instance_ids):
    """moto keeps the network interface that EC2 made with an instance, and deletes with it."""
    terminated = original(self, instance_ids)
    for instance, _ in terminated:
        for interface in instance.nics.values():
            self.enis.pop(interface.id, None)
    return terminated


@addition(EC2Response, "delete_key_pair")
def delete_key_pair(original, self):
    """moto knows key pairs by name only, and packleader deletes what it finds by tag, by id."""
    key_pair_id = self._get_param("KeyPairId")
    if key_pair_id:
        found = [pair for pair in self.ec2_backend.key_pairs.values() if pair.id == key_pair_id]
        for pair in found:
            self.ec2_backend.delete_key_pair(pair.key_name)
        return ActionResult({"Return": True, "KeyPairId": key_pair_id})
    return original(self)


def describe_image_references(self):
    """moto has no such operation. An undo asks it what uses an AMI before it deregisters."""
    references = []
    for image_id in self._get_param("ImageIds", []):
        for reservation in self.ec2_backend.all_reservations():
            for instance in reservation.instances:
                if instance.image_id == image_id and instance.state != "terminated":
                    arn = f"arn:aws:ec2:{self.region}:{self.current_account}:instance/{instance.id}"
                    references.append({"ImageId": image_id, "ResourceType": "ec2:Instance", "Arn": arn})
        parameters = ssm_backends[self.current_account][self.region]._parameters
        for name, versions in list(parameters.items()):
            if versions and versions[-1].value == image_id:
                arn = f"arn:aws:ssm:{self.region}:{self.current_account}:parameter{name}"
                references.append({"ImageId": image_id, "ResourceType": "ssm:Parameter", "Arn": arn})
    return ActionResult({"ImageReferences": references})


EC2Response.describe_image_references = describe_image_references


@addition(ParameterDict, "_check_loading_status")
def load_public_parameters(original, self, key):
    """moto's public parameters name its own AMIs, and nobody may write under /aws."""
    for name, value in seed["parameters"].items():
        if not list.__len__(dict.get(self, name) or []):
            self.latest_amis_loaded = True
            dict.__setitem__(self, name, [public_parameter(self.account_id, name, value)])
    return original(self, key)


def public_parameter(account_id, name, value):
    return Parameter(
        account_id=account_id,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=utcnow().timestamp(),
        version=1,
        data_type="aws:ec2:image",
    )


@addition(STSBackend, "assume_role")
def assume_role(original, self, region_name, role_session_name, role_arn, policy, duration, external_id):
    """moto hands out credentials of any role. Here a role must have been deployed, and its trust policy must hold: that of a role in
    the seed here, that of one that CloudFormation created where the calls are judged."""
    roles = {role["arn"]: role for role in seed["roles"]}
    role = roles.get(role_arn) or created_role(role_arn)
    if role is None or role["externalId"] not in (None, external_id):
        raise STSClientError("AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {role_arn}")
    return original(self, region_name, role_session_name, role_arn, policy, duration, external_id)


def created_role(role_arn):
    account, name = role_arn.split(":")[4], role_arn.split("/")[-1]
    created = [role.name for role in iam_backends[account]["aws"].get_roles()]
    return {"externalId": None} if name in created else None


# Credentials that moto did not hand out are the hub's. Its variable MOTO_ACCOUNT_ID would put every session into one account.
moto.iam.models.DEFAULT_ACCOUNT_ID = seed["hub"]

# Packer asks IAM for the builders' instance profile before it launches one.
for profile in seed["instanceProfiles"]:
    iam_backends[profile["accountId"]]["aws"].create_instance_profile(profile["name"], "/", [], [])

for addition_file in additions:
    runpy.run_path(addition_file)
seed_file.with_suffix(".detours.json").write_text(json.dumps(detours), encoding="utf-8")

main(["-H", "127.0.0.1", "-p", str(port)])
