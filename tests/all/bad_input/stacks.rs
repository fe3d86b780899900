//! What is wrong with a stack: the place, the word that may have been meant, and what to do.

use super::Folder;
use crate::support::sandbox::cloud;

/// The stack, and what is told of it.
type Case = (&'static str, &'static [&'static str]);

const LOCAL: &[Case] = &[
    ("[resource.random_password.a\nlength = 8\n", &["the file is no valid TOML", "stack.toml:1:28", "expected `]`"]),
    ("[resource.random_password.a]\nlength = \n", &["the file is no valid TOML", "stack.toml:2:10"]),
    (
        "[resource.terraform_data.a]\ninput = \"${file(\"x\")}\"\n",
        &["the file is no valid TOML", "stack.toml:2:", "write it in single quotes"],
    ),
    (
        "[resource.terraform_data.a]\ninput = 1\n[resource.terraform_data.a]\ninput = 2\n",
        &["`[resource.terraform_data.a]` is there twice", "stack.toml:3:", "the first one is at stack.toml:1"],
    ),
    (
        "[resource.random_pasword.a]\nlength = 8\n",
        &["there is no resource type `random_pasword`", "stack.toml:1:11", "did you mean `random_password`?"],
    ),
    (
        "[resource.random_password.a]\nlength = 8\nlenght = 9\n",
        &["random_password has no attribute `lenght`", "stack.toml:3:1", "did you mean `length`?", "ferroform explain random_password"],
    ),
    ("[resource.random_password.a]\nlength = \"many\"\n", &["`length` of random_password must be a number", "stack.toml:2:10"]),
    ("[resource.random_password.a]\nlength = [8]\n", &["`length` of random_password must be a number", "stack.toml:2:10"]),
    ("[resource.random_password.a]\nlength = 0\n", &["`length`", "stack.toml:2:10"]),
    ("[resource.random_password.a]\nspecial = true\n", &["random_password needs `length`", "stack.toml:1:"]),
    (
        "[resource.terraform_data.one]\ninput = \"${terraform_data.oen.id}\"\n",
        &["terraform_data.oen", "stack.toml:2:", "did you mean `terraform_data.one`?"],
    ),
    (
        "[variable.region]\ndefault = \"x\"\n[resource.terraform_data.one]\ninput = \"${var.regoin}\"\n",
        &["there is no variable `regoin`", "stack.toml:4:", "did you mean `region`?"],
    ),
    ("[resource.terraform_data.one]\ninput = \"${uper(1)}\"\n", &["there is no function `uper`", "stack.toml:2:", "did you mean `upper`?"]),
    (
        "[resource.terraform_data.a]\ninput = \"${terraform_data.b.id}\"\n[resource.terraform_data.b]\ninput = \"${terraform_data.a.id}\"\n",
        &["in a circle", "terraform_data.a → terraform_data.b", "stack.toml:2:", "stack.toml:4:", "break the circle"],
    ),
    (
        "[resource.random_password.p]\nlength = 8\n[resource.terraform_data.a]\nfor_each = \"${toset([random_password.p.id])}\"\ninput = 1\n",
        &["`for_each` of terraform_data.a has keys that are known only after apply", "stack.toml:4:", "use names of your own as keys"],
    ),
    (
        "[variable.region]\ntype = \"string\"\ndescription = \"Where.\"\n",
        &["variable `region` has no value", "stack.toml:1:11", "Where.", "--var region=VALUE", "vars.toml", "FERROFORM_VAR_region"],
    ),
    ("[variable.size]\ntype = \"number\"\ndefault = \"big\"\n", &["the default of `size`", "stack.toml:3:11", "a number is required"]),
    ("[variable.size]\ntype = \"nmuber\"\n", &["nmuber", "stack.toml:2:", "did you mean `number`?"]),
    (
        "[resource.random_password.p]\nlength = 8\n[output.p]\nvalue = \"${random_password.p.result}\"\n",
        &["output.p holds a sensitive value and is not declared sensitive", "stack.toml:4:", "add `sensitive = true`"],
    ),
    ("[resuorce.random_password.p]\nlength = 8\n", &["`resuorce` is no word", "stack.toml:1:2", "did you mean `resource`?"]),
];

/// What only a type of AWS can have wrong.
const CLOUD: &[Case] = &[
    (
        "[resource.aws_vpc_security_group_ingress_rule.a]\nsecurity_group_id = \"sg-1\"\nip_protocol = \"-1\"\ncidr_ipv4 = \"10.0.0.0/33\"\n",
        &["`cidr_ipv4` is no valid CIDR", "stack.toml:4:13", "such as `10.0.0.0/16`"],
    ),
    (
        "[resource.aws_iam_role_policy_attachment.a]\nrole = \"x\"\npolicy_arn = \"arn:aws:iam:policy/x\"\n",
        &["`policy_arn` is no valid ARN", "stack.toml:3:14", "such as `arn:aws:"],
    ),
    (
        "[resource.aws_iam_policy.a]\nname = \"x\"\npolicy = \"{ not json\"\n",
        &["`policy` is no valid IAM policy", "stack.toml:3:10", "line 1 column 3"],
    ),
    (
        "[resource.aws_iam_policy.a]\npolicy = '${jsonencode({ Sid = join(\"\", formatlist(\"%0100d\", range(70))) })}'\n",
        &["aws_iam_policy.a: a managed policy can have 6144 characters", "and this has 7010", "stack.toml:2:1"],
    ),
    (
        "[resource.aws_iam_role.a]\nassume_role_policy = '${jsonencode({ Sid = join(\"\", formatlist(\"%0100d\", range(41))) })}'\n",
        &["a trust policy can have 4096 characters", "stack.toml:2:1"],
    ),
    (
        "[resource.aws_instance.gateway]\nami = \"ami-0abc\"\ninstance_typ = \"t3.medium\"\n",
        &["aws_instance has no attribute `instance_typ`", "stack.toml:3:1", "did you mean `instance_type`?"],
    ),
];

fn refused(cases: &[Case], env: &[(&'static str, String)]) {
    for (stack, words) in cases {
        let folder = Folder::with(stack).env(env.to_vec());
        folder.bad(&["plan"], words);
        folder.bad(&["apply", "--auto-approve"], words);
    }
}

#[test]
fn what_is_wrong_with_a_stack_is_told_with_its_place() {
    refused(LOCAL, &[]);
}

#[test]
fn what_is_wrong_for_aws_is_told_before_it_is_asked() {
    refused(CLOUD, &cloud().env());
}

#[test]
fn one_mistake_is_told_once() {
    for stack in [LOCAL[0].0, LOCAL[3].0, LOCAL[4].0, LOCAL[5].0, LOCAL[9].0] {
        let said = Folder::with(stack).run(&["plan"]);
        assert_eq!(said.err.matches("error: ").count(), 1, "{}", said.err);
    }
}

#[test]
fn a_block_that_two_files_declare() {
    let folder = Folder::with("[resource.terraform_data.a]\ninput = 1\n");
    folder.write("other.toml", "\n[resource.terraform_data.a]\ninput = 2\n");
    folder.bad(&["plan"], &["`terraform_data.a` is declared twice", "stack.toml:1:11", "the first one is at other.toml:2:11"]);
}

#[test]
fn values_of_variables() {
    let folder = Folder::with(
        "[variable.size]\ntype = \"number\"\nvalidation = { condition = \"${var.size > 3}\", error_message = \"It must be above 3.\" }\n",
    );
    let wrong = ["the value for variable `size` must be a number", "stack.toml:1:11", "given by --var"];
    folder.bad(&["plan", "--var", "size=big"], &wrong);
    folder.bad(&["plan", "--var", "size=1"], &["variable `size`: It must be above 3", "stack.toml:3:", "this condition is not met"]);
    let unknown = ["there is no variable `sise`, for which --var gives a value", "did you mean `size`?"];
    folder.bad(&["apply", "--auto-approve", "--var", "size=4", "--var", "sise=4"], &unknown);
    folder.bad(&["plan", "--var", "size"], &["`--var size` names no variable", "--var region=eu-west-1"]);
    folder.bad(&["plan", "--var-file", "none.toml"], &["can't read the values in `none.toml`", "from where the command runs"]);
    folder.write("production.tfvars", "");
    folder.bad(&["plan", "--var-file", "prodction.tfvars"], &["did you mean `production.tfvars`?"]);
    folder.bad(&["plan", "--var-file", "vars/production.tfvars"], &["there is no folder `vars`"]);
    folder.bad(&["plan", "--var-file", "."], &["can't read the values in `.`", "a file with values is text"]);
    folder.write("vars.toml", "size = \"\n");
    folder.bad(&["plan"], &["the file is no valid TOML", "vars.toml:1:"]);
    folder.write("vars.toml", "size = [4]\n");
    folder.bad(&["plan"], &["variable `size` must be a number", "vars.toml:1:8"]);
}
