//! Loading, validation and conformance together, with a small made-up provider.

use std::path::Path;
use std::sync::Arc;

use super::{conform, validate};
use crate::stack::{Expr, Files, Nothing, Stack, load};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::*;
use crate::words::schema::{Attr, Block as _};
use crate::words::{Result, Value};

crate::blocks! {
    /// A rule.
    pub struct Rule {
        /// First port.
        #[attr(within(0, 65535))]
        from_port: i64,
        /// Protocol.
        #[attr(one_of(&["tcp", "udp"]))]
        protocol: String,
        /// Sources.
        cidr_blocks: Vec<String>,
    }
    /// A disk.
    pub struct Disk {
        /// GiB.
        size: Option<i64>,
        /// Kind.
        #[attr(default_text("gp3"))]
        kind: Option<String>,
    }
    /// A thing.
    pub struct Thing {
        /// Its name.
        name: String,
        /// Its prefix.
        #[attr(conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// Its password.
        #[attr(sensitive)]
        password: Option<String>,
        /// Rules.
        #[attr(attribute, chosen)]
        ingress: std::collections::BTreeSet<Rule>,
        /// The disk.
        disk: Option<Disk>,
        /// More disks.
        more: Vec<Disk>,
        /// Tags.
        tags: std::collections::BTreeMap<String, String>,
        /// Whether.
        #[attr(default_bool(true))]
        on: bool,
        /// The ARN.
        #[attr(computed)]
        arn: Option<String>,
    }
}

impl Resource for Thing {
    const TYPE: &'static str = "made_thing";
    const EXAMPLE: &'static str = "";
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "10m")];
    type Cloud = ();
    async fn create(&self, _: &Cx<'_, ()>) -> Outcome<Id> {
        Err(Failure::other("never called"))
    }
    async fn read(_: &Cx<'_, ()>, _: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        Ok(vec![])
    }
    async fn update(&self, _: &Cx<'_, ()>, _: &Live<Self>) -> Outcome<()> {
        Ok(())
    }
    async fn delete(_: &Cx<'_, ()>, _: &Live<Self>) -> Outcome<()> {
        Ok(())
    }
}

struct Made;

impl Provider for Made {
    fn name(&self) -> &'static str {
        "made"
    }
    fn source(&self) -> &'static str {
        "example.com/made/made"
    }
    fn attrs(&self) -> &'static [Attr] {
        Disk::ATTRS
    }
    fn configure<'a>(&'a self, _: &'a Value, _: &'a Settings) -> Fut<'a, Outcome<Arc<dyn Cloud>>> {
        Box::pin(async { Err(Failure::other("never called")) })
    }
}

const REGISTRY: Registry = Registry { providers: &[&Made], resources: &[&Of::<Thing>::TYPE], data: &[] };

fn loaded(text: &str) -> Result<Stack> {
    let files = Files::embedded([("stack.toml".to_owned(), Arc::from(text.as_bytes()))].into());
    load(Path::new("x/stack.toml"), &files)
}

/// The errors of a text: `line:column summary (label)`.
fn told(text: &str) -> Vec<String> {
    let errors = match loaded(text) {
        Err(errors) => errors,
        Ok(stack) => validate(&stack, &REGISTRY),
    };
    let show = |d: &crate::words::Diagnostic| {
        let at = d.label.as_ref().map_or_else(String::new, |(span, _)| {
            let (line, column) = span.source.position(span.start as usize);
            format!("{line}:{column} ")
        });
        format!("{at}{} ({})", d.summary, d.label.as_ref().map_or("", |(_, l)| l))
    };
    errors.0.iter().map(show).collect()
}

fn conformed(body: &str) -> Result<Value> {
    let stack = loaded(&format!("[resource.made_thing.a]\n{body}"))?;
    let body: &Expr = &stack.module.resources[0].body;
    let files = Files::embedded([].into());
    conform(Thing::ATTRS, &body.eval(&Nothing(&files))?, body, "made_thing")
}

#[test]
fn everything_wrong_is_told_at_once_at_its_place() {
    let all = told(
        r#"
[variable.region]
type = "strng"

[resource.made_thing.a]
nam = "x"
on = "maybe"
tags = { a = "${var.regin}", b = ["x"] }
disk = { siz = 1 }
arn = "x"

[resource.made_thin.b]
name = "${made_thing.a.ar}"

[resource.made_thing.c]
name = '${made_thing.x.arn} ${uper("a")}'
count = 1
for_each = {}

[output.o]
value = "${made_thing.c.id}"
"#,
    );
    let wanted = [
        "3:9 there is no type `strng` (did you mean `string`?)",
        "16:31 there is no function `uper` (did you mean `upper`?)",
        "18:12 `made_thing.c` has both `count` and `for_each` (only one of them can be given)",
    ];
    assert_eq!(all, wanted);
    let all = told(
        r#"
[variable.region]
[resource.made_thing.a]
nam = "x"
on = "maybe"
tags = { a = "${var.regin}", b = ["x"] }
disk = { siz = 1 }
arn = "x"
timeouts = { creat = "1m" }

[resource.made_thin.b]
name = "${made_thing.a.ar}"

[resource.made_thing.c]
name = "${made_thing.x.arn} ${each.key}"
count = 1
provider = "made.west"
depends_on = ["made_thing.q"]

[output.o]
value = "${made_thing.c.id}"
"#,
    );
    let wanted = [
        "3:11 made_thing needs `name` (`name` is missing)",
        "4:1 made_thing has no attribute `nam` (did you mean `name`?)",
        "5:6 `on` of made_thing must be true or false, and is a string (should be true or false)",
        "6:17 there is no variable `regin` (did you mean `region`?)",
        "6:34 `tags.b` of made_thing must be a string, and is a list (should be a string)",
        "7:10 block `disk` of made_thing has no attribute `siz` (did you mean `size`?)",
        "8:1 `arn` of made_thing can't be given (is known only after the resource exists)",
        "9:14 made_thing has no time limit for `creat` (did you mean `create`?)",
        "11:11 there is no resource type `made_thin` (did you mean `made_thing`?)",
        "12:11 made_thing has no attribute `ar` (did you mean `arn`?)",
        "14:11 `made_thing.c` uses the provider `made.west`, which is not declared (not declared)",
        "15:11 there is no `made_thing.x` in this stack (did you mean `made_thing.a`?)",
        "15:31 `each` has a meaning only in a block with `for_each` (no `for_each` here)",
        "18:15 there is no `made_thing.q` in this stack (did you mean `made_thing.a`?)",
        "21:12 `made_thing.c` has `count`: an instance of it has to be chosen (the index is missing)",
    ];
    assert_eq!(all, wanted);
}

#[test]
fn words_at_the_top_are_known() {
    assert_eq!(told("[resorce.x.y]"), ["1:2 `resorce` is no word of the stack language (did you mean `resource`?)"]);
    assert_eq!(told("[module.x]"), ["1:9 module `x` needs a `source`, written out (where its files are)"]);
    assert_eq!(told("[output.x]"), ["1:9 output `x` has no `value` (`value` is required)"]);
    assert_eq!(told("[locals]\n\"a b\" = 1"), ["2:1 `a b` can't be a name (letters, digits, `_` and `-`, with a letter or `_` first)"]);
    assert_eq!(
        told("[variable.a]\nvalidation = { condition = \"var.a > 1\", error_message = \"x\" }"),
        ["2:28 a condition is an expression (this is a text)"]
    );
    let broken = told("a = \nb = [1\n[output.x]\nvalue = \"${1 +}\"\n");
    assert!(broken.len() >= 2 && broken.iter().any(|e| e.starts_with("1:")), "{broken:?}");
    assert!(loaded("[locals]\na = \"${upper(\"x\")}\"").unwrap_err().to_string().contains("single quotes"));
    assert!(told("[output.x]\nvalue = \"a ${ b\"")[0].contains("can't read the template"));
}

#[test]
fn files_that_are_no_stack_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let try_load = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.path().join(name), bytes).unwrap();
        let result = load(dir.path(), &Files::of(dir.path()));
        std::fs::remove_file(dir.path().join(name)).unwrap();
        result.map(|s| s.module.locals.len()).map_err(|e| e.to_string())
    };
    assert!(load(dir.path(), &Files::of(dir.path())).unwrap_err().to_string().contains("no stack"));
    assert!(load(Path::new("/none"), &Files::of(Path::new("/none"))).unwrap_err().to_string().contains("no stack"));
    assert!(load(Path::new("/none/x.toml"), &Files::of(Path::new("/none/x.toml"))).unwrap_err().to_string().contains("x.toml"));
    assert!(try_load("a.toml", b"\xff\xfe").unwrap_err().contains("not UTF-8"));
    assert!(try_load("a.toml", b"a\0b").unwrap_err().contains("no text"));
    assert!(try_load("a.toml", &vec![b'#'; 33 << 20]).unwrap_err().contains("MB"));
    assert_eq!(try_load("a.toml", b"\xef\xbb\xbf[locals]\r\na = 1\r\nb = '''x\r\ny'''\r\n"), Ok(2));
}

#[test]
fn no_text_makes_the_loader_panic() {
    let deep = |open: &str, close: &str, n: usize| format!("[locals]\na = {}1{}", open.repeat(n), close.repeat(n));
    let texts = [
        deep("[", "]", 5000),
        deep("{ a = ", " }", 5000),
        format!("[locals]\n{}b = 1", "a.".repeat(5000)),
        format!("[locals]\na = '${{{}1{}}}'", "(".repeat(60), ")".repeat(60)),
        format!("[locals]\na = '${{{}1}}'", "(".repeat(5000)),
        format!("[locals]\na = '${{1{}}}'", " + 1".repeat(120)),
        format!("[locals]\na = '${{x{}}}'", ".y".repeat(5000)),
        format!("[locals]\na = '${{true{}}}'", " ? true".repeat(500)),
        "[locals]\na = '${é'\nb = '${\"é'\nc = \"\\u00e9${é é}\"\nd = '%{ if é '".into(),
        "é".into(),
        "[locals]\na = '${[for x in y : ]}'\nb = '${{for}}'\nc = '${...}'\nd = '${<<X\nX}'\ne = '$${' \nf = '%{'".into(),
        "resource = 1\ndata = []\nvariable = ''\nlocals = [1]\nprovider = [1, {}]\noutput.x = 1\ncheck.y = []\nstack = 3".into(),
    ];
    for text in texts {
        match loaded(&text) {
            Ok(stack) => {
                let files = Files::embedded([].into());
                for expr in stack.module.locals.values() {
                    let _ = expr.eval(&Nothing(&files));
                    let _ = expr.references();
                }
            }
            Err(errors) => drop(errors.to_string()),
        }
    }
}

#[test]
fn several_files_are_one_stack() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.toml"), "[stack]\nname = \"mine\"\n[locals]\na = 1\n").unwrap();
    std::fs::write(dir.path().join("b.toml"), "[locals]\nb = \"${local.a}\"\n").unwrap();
    std::fs::write(dir.path().join("vars.toml"), "x = 1\n").unwrap();
    let files = Files::of(dir.path());
    let stack = load(dir.path(), &files).unwrap();
    assert_eq!((&*stack.name, stack.module.locals.len()), ("mine", 2));
    let again = load(dir.path(), &Files::embedded(files.recorded())).unwrap();
    assert_eq!(again.module.locals.len(), 2);
    std::fs::write(dir.path().join("c.toml"), "[locals]\na = 2\n").unwrap();
    let wrong = load(dir.path(), &Files::of(dir.path())).unwrap_err().to_string();
    assert!(wrong.contains("declared twice") && wrong.contains("c.toml:2:1") && wrong.contains("a.toml:4:1"), "{wrong}");
}

#[test]
fn bodies_are_brought_to_the_schema() {
    let made = conformed("name = 5\npassword = \"x\"\ningress = { from_port = \"22\", protocol = \"tcp\" }\ndisk = [{ size = 8 }]\nmore = { size = 1 }\ntags = { n = 1 }").unwrap();
    assert_eq!(made.attr("name").as_str(), Some("5"));
    assert!(made.attr("password").is_sensitive());
    assert_eq!(made.attr("on"), &Value::Bool(true));
    assert!(matches!(made.attr("ingress"), Value::Set(_)));
    let rule = &made.attr("ingress").items()[0];
    assert_eq!((rule.attr("from_port"), rule.attr("cidr_blocks")), (&Value::from(22), &Value::Null));
    assert_eq!(made.attr("disk").items()[0].attr("kind").as_str(), Some("gp3"));
    assert_eq!(made.attr("more").items().len(), 1);
    assert_eq!(made.attr("tags"), &Value::map([("n", Value::from("1"))]));
    assert!(made.attr("arn").is_null() && made.attr("name_prefix").is_null());
    assert_eq!(conformed("name = \"a\"").unwrap().attr("disk"), &Value::list([]));
    Thing::take(&made.bare_deep()).expect("fits the struct");
}

use crate::words::schema::Field as _;

#[test]
fn bodies_that_do_not_fit_are_refused() {
    let wrong = |body: &str| {
        conformed(body)
            .unwrap_err()
            .0
            .iter()
            .map(|d| format!("{} @{}", d.summary, d.label.as_ref().unwrap().0))
            .collect::<Vec<_>>()
            .join("|")
    };
    assert_eq!(wrong("nam = 1\nname = \"\""), "made_thing has no attribute `nam` @x/stack.toml:2:1");
    assert_eq!(wrong("on = true"), "made_thing needs `name` @x/stack.toml:1:1");
    assert_eq!(wrong("name = \"a\"\ndisk = [{}, {}]"), "2 blocks `disk` are given @x/stack.toml:3:8");
    assert_eq!(wrong("name = \"a\"\nname_prefix = \"b\""), "`name_prefix` and `name` exclude each other @x/stack.toml:3:1");
    assert_eq!(
        wrong("name = \"a\"\ningress = [{ from_port = 70000, protocol = \"icmp\" }]"),
        "`ingress.0.from_port` must be from 0 to 65535, and is 70000 @x/stack.toml:3:26|`ingress.0.protocol` can't be \"icmp\" @x/stack.toml:3:44"
    );
    assert_eq!(wrong("name = [1]"), "`name` of made_thing must be a string, and is a list @x/stack.toml:2:8");
    assert_eq!(wrong("name = \"a\"\narn = \"b\""), "`arn` of made_thing can't be given @x/stack.toml:3:1");
    assert_eq!(wrong("name = \"a\"\ndisk = { size = 1.5 }"), "`disk.0.size` must be a whole number, and is 1.5 @x/stack.toml:3:17");
}

#[test]
fn a_large_stack_loads_and_evaluates_quickly() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for i in 0..2000 {
        let _ = write!(text, "[resource.made_thing.t{i}]\nname = 'x-${{upper(\"a\")}}-{i}'\ntags = {{ a = \"${{1 + {i}}}\" }}\n");
    }
    let stack = loaded(&text).unwrap();
    assert!(!validate(&stack, &REGISTRY).has_errors());
    let files = Files::embedded([].into());
    for block in &stack.module.resources {
        conform(Thing::ATTRS, &block.body.eval(&Nothing(&files)).unwrap(), &block.body, "made_thing").unwrap();
    }
}
