"""Launch templates: a template holds what it was given, and no more."""

from common import missing, patched, refuse
from moto.core.types import Base64EncodedString
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.responses import EC2Response
from moto.ec2.utils import parse_user_data

# moto tells the tags that a template was made with, whatever has become of them.
LaunchTemplate.tags = property(lambda self: self.get_tags(), lambda _self, _tags: None)


def check_data(self):
    if not self._get_param("LaunchTemplateData"):
        refuse("MissingParameter", "The request must contain the parameter LaunchTemplateData")


@patched(EC2Response)
def create_launch_template(original, self):
    """moto writes the template's own tags among those of what is made from it."""
    check_data(self)
    name = self._get_param("LaunchTemplateName") or ""
    if not 3 <= len(name) <= 128:
        refuse("InvalidLaunchTemplateName.MalformedException", f"'{name}' is not a valid name: it has 3 to 128 characters")
    answer = original(self)
    template = self.ec2_backend.launch_templates.get(answer.result["LaunchTemplate"]["LaunchTemplateId"])
    for version in template.versions if template else []:
        own = [s for s in version.data.get("TagSpecifications", []) if s.get("ResourceType") != "launch-template"]
        version.data["TagSpecifications"] = own
    return answer


@patched(EC2Response)
def create_launch_template_version(original, self):
    """moto keeps the user data of later versions in another form than that of the first, and fails where it is used."""
    check_data(self)
    answer = original(self)
    template = self.ec2_backend.launch_templates.get(answer.result["LaunchTemplateVersion"]["LaunchTemplateId"])
    for version in template.versions if template else []:
        data = version.data.get("UserData")
        version.data["UserData"] = data if isinstance(data, Base64EncodedString) else parse_user_data(data)
    return answer


@patched(EC2Response)
def describe_launch_templates(original, self):
    """An id that does not exist is told, and an answer has more than fifteen."""
    unknown = missing(self._get_param("LaunchTemplateIds", []), self.ec2_backend.launch_templates)
    if unknown:
        refuse("InvalidLaunchTemplateId.NotFound", f"The specified launch template, with template ID {unknown[0]}, does not exist.")
    if self._get_param("MaxResults") is None:
        self.params["MaxResults"] = 200
    return original(self)


@patched(EC2Response)
def modify_launch_template(original, self):
    wanted, id_ = self._get_param("DefaultVersion"), self._get_param("LaunchTemplateId")
    template = self.ec2_backend.launch_templates.get(id_) if id_ else None
    if template is not None and wanted and int(wanted) > len(template.versions):
        refuse("InvalidLaunchTemplateId.VersionNotFound", f"Could not find launch template version {wanted} of {id_}")
    return original(self)
