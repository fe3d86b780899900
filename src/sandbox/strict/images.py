"""The images and the public parameters that name them.

moto's own list holds thousands of images, each with a volume and a snapshot, so that the first call of a region takes
seconds; it knows neither Canonical's images nor what an image says of the metadata service. This list is short and the
same every day: a plan in the sandbox does not change because Amazon published an image.
"""

import hashlib
import json
import os

from common import patched
from moto.core.parse import default_timestamp_parser as timestamp
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ssm.models import Parameter, ParameterDict

with open(os.path.join(os.path.dirname(__file__), "images.json"), encoding="utf-8") as file:
    IMAGES = json.load(file)


def image_id(region, name):
    """Images have another id in each region."""
    return "ami-0" + hashlib.sha256(f"{region}/{name}".encode()).hexdigest()[:16]


@patched(AmiBackend)
def _load_amis(_original, self):
    for image in IMAGES:
        created = timestamp(image["creation_date"])
        ami = Ami(
            self,
            image_id(self.region_name, image["name"]),
            name=image["name"],
            description=image["description"],
            owner_id=image["owner_id"],
            owner_alias="amazon",
            public=True,
            virtualization_type="hvm",
            architecture=image["architecture"],
            creation_date=created,
            image_location="amazon/" + image["name"],
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name=image["root_device_name"],
            boot_mode=image["boot_mode"],
            region_name=self.region_name + "a",
        )
        ami.imds_support = image["imds_support"]
        ami.root_size = image["size"]
        ami.ebs_snapshot.volume.size = image["size"]
        ami.ena_support = True
        ami.sriov_net_support = "simple"
        ami.platform_details = "Linux/UNIX"
        ami.usage_operation = "RunInstances"
        ami.deprecation_time = created.replace(year=created.year + 2).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.amis[ami.id] = ami


def block_device_mappings(self):
    """The root volume as images have it today: gp3, deleted with the instance."""
    root = {
        "SnapshotId": self.ebs_snapshot.id,
        "VolumeSize": getattr(self, "root_size", 8),
        "DeleteOnTermination": True,
        "VolumeType": "gp3",
        "Iops": 3000,
        "Throughput": 125,
        "Encrypted": False,
    }
    return [{"DeviceName": self.root_device_name, "Ebs": root}]


Ami.block_device_mappings = property(block_device_mappings)


@patched(ParameterDict)
def _check_loading_status(original, self, key):
    if not str(key or "").startswith(("/aws/service/ami-amazon-linux-latest", "/aws/service/ecs/", "/aws/service/canonical")):
        return original(self, key)
    if getattr(self, "images_loaded", False):
        return None
    self.images_loaded = True
    for image in IMAGES:
        for name in image["parameters"]:
            value = image_id(self.region_name, image["name"])
            modified = timestamp(image["creation_date"]).timestamp()
            parameter = Parameter(self.account_id, name, value, "String", None, None, None, modified, 1, data_type="aws:ec2:image")
            dict.__setitem__(self, name, [parameter])
    return None
