use proptest::prelude::*;

use super::super::conform::schema_conform;
use super::super::guard;
use super::super::{Instance, Output, State};
use super::{AWS, eip, fresh, instance};
use crate::words::schema::{Attr, Kind, TEXT};
use crate::words::{Address, Key, Mode, Value};

/// Written by Terraform 1.11.4, with data sources, modules, sensitive values and values of open type.
const TERRAFORMS: &str = include_str!("terraform.tfstate.json");

fn parse(text: &str) -> State {
    State::parse(text.as_bytes(), "it").unwrap()
}

fn error(text: &str) -> String {
    State::parse(text.as_bytes(), "web.tfstate.json").unwrap_err().to_string()
}

#[test]
fn what_terraform_wrote_is_written_as_terraform_wrote_it() {
    let text = String::from_utf8(parse(TERRAFORMS).to_bytes()).unwrap();
    let differ = similar::TextDiff::from_lines(TERRAFORMS, text.as_str());
    assert_eq!(text, TERRAFORMS, "{}", differ.unified_diff());
}

#[test]
fn values_of_open_type_have_their_types_and_marks() {
    let state = parse(TERRAFORMS);
    let input = state.instances[&"terraform_data.a[0]".parse().unwrap()].attributes.attr("input").clone();
    assert_eq!(input.attr("secret"), &Value::from("hide").sensitive());
    assert_eq!(input.attr("n").as_number().unwrap().as_f64(), 1.5);
    assert_eq!(state.outputs["t"].value, Value::set([Value::from("a")]));
    let remote = &state.instances[&Address::data("terraform_remote_state", "r")].attributes;
    assert_eq!(remote.attr("config").attr("path").as_str(), Some("./other.tfstate"));
}

#[test]
fn what_is_no_state_is_refused_with_the_reason() {
    for (text, words) in [
        ("", "is empty"),
        ("{\"version\": 4,\n \"serial\": }", "line 2, column"),
        ("{}", "not a Terraform state"),
        ("[]", "form of a Terraform state"),
        ("{\"version\": 3, \"serial\": 1, \"modules\": []}", "from an older version"),
        ("{\"version\": 5, \"serial\": \"x\"}", "from a newer version"),
        (r#"{"version":4,"resources":[{"mode":"x","type":"a","name":"b","provider":"p"}]}"#, "neither `managed` nor `data`"),
        (
            r#"{"version":4,"resources":[{"mode":"data","type":"a","name":"b","provider":"p","instances":[{"attributes_flat":{}}]}]}"#,
            "Terraform 0.11",
        ),
    ] {
        let told = error(text);
        assert!(told.contains(words) && told.contains("web.tfstate.json"), "{told}");
    }
    let told = error(r#"{"version":4,"serial":"hunter2"}"#);
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(parse(r#"{"version":4,"terraform_version":"9.0.0","serial":1,"lineage":"x"}"#).terraform_version, "9.0.0");
}

#[test]
fn deposed_tainted_and_foreign_parts_survive() {
    let mut state = fresh();
    let former = Instance { private: Some("eyJ4IjoxfQ==".into()), tainted: true, ..instance("eip-1") };
    let identity = Some(serde_json::json!({ "id": "eip-2" }));
    let mut current = Instance { create_before_destroy: true, identity_schema_version: Some(1), identity, ..instance("eip-2") };
    current.dependencies = vec!["module.net.aws_vpc.main".parse().unwrap(), "data.aws_ami.base".parse().unwrap()];
    current.deposed.insert("deadbeef".into(), former.clone());
    state.instances.insert(eip("a").with_key(Some(Key::Str("<x>".into()))), current);
    let mut gone = Instance::new(AWS, 0, Value::Null);
    gone.deposed.insert("deadbeef".into(), former);
    state.instances.insert(eip("b"), gone);
    assert_eq!(State::parse(&state.to_bytes(), "it").unwrap(), state);
}

#[test]
fn an_instance_depended_on_is_written_as_its_block_for_terraform_takes_no_other() {
    let mut state = fresh();
    let dependencies = ["aws_vpc.main[0]", "aws_vpc.main[1]"].map(|text| text.parse().unwrap()).to_vec();
    state.instances.insert(eip("a"), Instance { dependencies, ..instance("eip-1") });
    let back = State::parse(&state.to_bytes(), "it").unwrap();
    assert_eq!(back.instances[&eip("a")].dependencies, [Address::managed("aws_vpc", "main")]);
}

#[test]
fn the_schema_gives_sets_and_maps_back() {
    const TEXTS: Kind = Kind::Text(TEXT);
    const ATTRS: &[Attr] = &[
        Attr { kind: Kind::Set(&TEXTS), ..Attr::of::<String>("names", "Names.") },
        Attr { kind: Kind::Map(&TEXTS), ..Attr::of::<String>("tags", "Tags.") },
    ];
    let json = serde_json::json!({ "names": ["b", "a", "b"], "tags": { "x": "y" }, "other": [1] });
    let value = schema_conform(ATTRS, &Value::from_json(&json));
    assert_eq!(value.attr("names"), &Value::set([Value::from("a"), Value::from("b")]));
    assert_eq!(value.attr("tags"), &Value::map([("x", Value::from("y"))]));
    assert_eq!(value.attr("other").items().len(), 1);
}

#[test]
fn another_account_or_region_is_refused() {
    let mut state = fresh();
    let check = |state: &State, account, region, allow| guard::check_identity(state.instances.values(), account, region, allow);
    let no = guard::Allow::default();
    check(&state, "111122223333", "eu-central-1", no).unwrap();
    let arn = Value::from("arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-1");
    state.instances.insert(Address::managed("aws_vpc", "main"), Instance::new(AWS, 1, Value::object([("arn", arn)])));
    check(&state, "111122223333", "eu-central-1", no).unwrap();
    let told = check(&state, "999922223333", "eu-central-1", no).unwrap_err().to_string();
    assert!(told.contains("another account") && told.contains("111122223333"), "{told}");
    assert!(check(&state, "111122223333", "us-east-1", no).unwrap_err().to_string().contains("another region"));
    check(&state, "999922223333", "us-east-1", guard::Allow { other_account: true, other_region: true, ..no }).unwrap();
}

#[test]
fn a_push_must_continue_what_is_stored() {
    let (mut stored, mut new) = (fresh(), fresh());
    stored.serial = 3;
    new.serial = 3;
    guard::check_push(Some(&stored), &new, "it", false).unwrap();
    new.outputs.insert("x".into(), Output { value: Value::Bool(true), sensitive: false });
    assert!(guard::check_push(Some(&stored), &new, "it", false).unwrap_err().to_string().contains("same serial"));
    new.serial = 2;
    assert!(guard::check_push(Some(&stored), &new, "it", false).unwrap_err().to_string().contains("is newer"));
    new.lineage = "other".into();
    assert!(guard::check_push(Some(&stored), &new, "it", false).unwrap_err().to_string().contains("lineage"));
    guard::check_push(Some(&stored), &new, "it", true).unwrap();
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<String>().prop_map(|text| Value::from(text).sensitive()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| Value::Tuple(std::sync::Arc::new(items))),
            prop::collection::btree_map("[a-z_]{1,6}", inner, 0..4).prop_map(Value::object),
        ]
    })
}

fn any_address() -> impl Strategy<Value = Address> {
    let key =
        prop_oneof![Just(None), any::<u64>().prop_map(|n| Some(Key::Int(n >> 1))), any::<String>().prop_map(|s| Some(Key::Str(s.into())))];
    let module = prop::collection::vec(("[a-z]{1,4}", key.clone()), 0..3);
    (module, any::<bool>(), "aws_[a-z]{1,3}", "[a-z]{1,3}", key).prop_map(|(module, data, kind, name, key)| Address {
        module: module.into_iter().map(|(name, key)| (name.into(), key)).collect(),
        mode: if data { Mode::Data } else { Mode::Managed },
        kind: kind.into(),
        name: name.into(),
        key,
    })
}

fn any_state() -> impl Strategy<Value = State> {
    let attributes = prop::collection::btree_map("[a-z_]{1,6}", any_value(), 0..5).prop_map(Value::object);
    prop::collection::btree_map(any_address(), attributes, 0..6).prop_map(|instances| {
        let instances = instances.into_iter().map(|(address, attributes)| (address, Instance::new(AWS, 1, attributes)));
        State { instances: instances.collect(), ..fresh() }
    })
}

proptest! {
    #[test]
    fn any_state_reads_back_as_it_was_written(state in any_state()) {
        let bytes = state.to_bytes();
        let back = State::parse(&bytes, "it").unwrap();
        prop_assert_eq!(&back, &state);
        prop_assert_eq!(back.to_bytes(), bytes);
    }

    #[test]
    fn no_bytes_bring_the_readers_down(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..TERRAFORMS.len(), flip in any::<u8>()) {
        let _ = State::parse(&bytes, "it");
        let mut damaged = TERRAFORMS.as_bytes().to_vec();
        damaged[cut] ^= flip;
        let _ = State::parse(&damaged, "it");
        let _ = State::parse(&damaged[..cut], "it");
        let _ = super::super::wire::parse(&bytes, None, "it");
    }
}
