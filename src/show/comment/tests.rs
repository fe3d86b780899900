//! The comment as a code host reads it: whatever the values are, and however little room there is.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::super::digest::{Counts, Danger, Detail, Digest, Place};
use super::super::markdown;
use super::super::samples::{REGISTRY, facts, gateway};
use super::{Outcome, Page, Stack, comment};
use crate::engine::plan::Plan;
use crate::words::Key;

const ERROR: &str = "error: aws_instance has no attribute `instance_typ`\n   ┌─ stacks/network/stack.toml:58:1\n58 │ instance_typ = \"t3.medium\"\n   │ ^^^^^^^^^^^^ did you mean `instance_type`?\n";

fn stack(name: &str, outcome: Outcome) -> Stack {
    Stack { name: name.into(), outcome }
}

fn digest(plan: &Plan) -> Digest {
    Digest::of(plan, &REGISTRY, &facts())
}

fn three() -> Page {
    let nothing = Digest { counts: Counts { unchanged: 12, ..Counts::default() }, ..Digest::default() };
    Page {
        commit: "3f2a9c1d5e7b8a90123456789abcdef012345678".into(),
        hints: vec!["Comment `ferroform apply` to apply this plan.".into()],
        rest: Some("https://ci.test/runs/7".into()),
        stacks: vec![
            stack("network", Outcome::Unplanned(ERROR.into())),
            stack("gateway-node", Outcome::Planned(digest(&gateway()))),
            stack("ecs-platform", Outcome::Planned(nothing)),
        ],
    }
}

/// Changes with something of everything, so many.
fn many(n: usize) -> Plan {
    let plan = gateway();
    let acting: Vec<_> = plan.changes.iter().filter(|change| change.action.acts()).cloned().collect();
    let changes = acting.iter().cycle().take(n).enumerate().map(|(i, change)| {
        let mut change = change.clone();
        change.address.key = Some(Key::Str(format!("tenant-{i}").into()));
        change
    });
    Plan { changes: changes.collect(), ..plan }
}

/// What a code host makes of it: its blocks in order, and the words that stand in no code.
fn read(text: &str) -> (Vec<String>, String) {
    let tag = Regex::new("</?[a-z]+").unwrap();
    let code = Regex::new("<code>[^<]*</code>").unwrap();
    let (mut blocks, mut open, mut html) = (vec![], String::new(), String::new());
    let mut fenced = false;
    for event in Parser::new_ext(text, Options::all()) {
        match &event {
            Event::Html(text) | Event::InlineHtml(text) => {
                html += text;
                continue;
            }
            _ if !html.is_empty() => {
                let bare = code.replace_all(&html, "");
                blocks.extend(tag.find_iter(&bare).map(|tag| tag.as_str().to_owned()));
                open += &tag.replace_all(&bare, "");
                html.clear();
            }
            _ => {}
        }
        match event {
            Event::Start(Tag::Strong) | Event::End(TagEnd::Strong) | Event::Code(_) | Event::SoftBreak => open.push(' '),
            Event::Start(Tag::CodeBlock(kind)) => {
                blocks.push(format!("{kind:?}"));
                fenced = true;
            }
            Event::End(TagEnd::CodeBlock) => fenced = false,
            Event::Start(tag) => blocks.push(format!("{tag:?}")),
            Event::End(tag) => blocks.push(format!("end {tag:?}")),
            Event::Text(text) if !fenced => open += &text,
            Event::Text(_) => {}
            other => blocks.push(format!("{other:?}")),
        }
    }
    (blocks, open)
}

/// Nothing is open at the end, nothing is a link but ours, and no word outside of code means anything.
fn sound(text: &str) -> Result<(), String> {
    let (blocks, open) = read(text);
    for name in ["details", "summary"] {
        let count = |tag: &str| blocks.iter().filter(|block| **block == format!("{tag}{name}")).count();
        if count("<") != count("</") {
            return Err(format!("{name} is not closed"));
        }
    }
    let allowed = ["<details", "</details", "<summary", "</summary", "<b", "</b"];
    let links = blocks.iter().filter(|b| b.starts_with("Link") || b.starts_with("Image")).count();
    if links > usize::from(text.contains("[all of it](<https://ci.test/")) {
        return Err("a value became a link".into());
    }
    if let Some(other) = blocks.iter().find(|b| b.starts_with('<') && !allowed.contains(&b.as_str())) {
        return Err(format!("a value became HTML: {other}"));
    }
    if let Some(other) = blocks
        .iter()
        .find(|b| ["Rule", "Html", "Emphasis", "Strike", "Footnote", "Task"].iter().any(|what| b.starts_with(what)) && *b != "HtmlBlock")
    {
        return Err(format!("a value became markup: {other}"));
    }
    let meaning = Regex::new(r"[@#<$~\[\]\u{202e}]|https?:|www\.|:\w+:|GH-\d|\b[0-9a-f]{7,}\b").unwrap();
    let ours = open.replace("[!CAUTION]", "");
    meaning.find(&ours).map_or(Ok(()), |found| Err(format!("`{}` stands outside of code in {ours}", found.as_str())))
}

#[test]
fn three_stacks() {
    insta::assert_snapshot!("three_stacks", comment(&three(), markdown::LIMIT));
}

#[test]
fn every_state_has_its_words() {
    let plan = || Digest { counts: Counts { create: 2, ..Counts::default() }, ..Digest::default() };
    let page = Page {
        stacks: vec![
            stack("a", Outcome::Waiting),
            stack("b", Outcome::Planning),
            stack("c", Outcome::Planned(plan())),
            stack("d", Outcome::Planned(Digest::default())),
            stack("e", Outcome::Refused("it is held by pull request #7, which planned it first".into())),
            stack("f", Outcome::Applying { plan: plan(), done: 3, of: 7 }),
            stack("g", Outcome::Applied { plan: plan(), summary: "2 created, 0 changed, 0 destroyed".into() }),
            stack("h", Outcome::Failed { plan: plan(), error: "error: AWS refused".into() }),
            stack("i|j", Outcome::Unplanned("error: no".into())),
        ],
        ..Page::default()
    };
    insta::assert_snapshot!(comment(&page, markdown::LIMIT), @r#"
    ### Ferroform

    **8 to create** in 9 stacks

    | Stack | State | Create | Change | Replace | Destroy | Findings |
    |:--|:--|--:|--:|--:|--:|:--|
    | `a` | waiting |  |  |  |  |  |
    | `b` | being planned |  |  |  |  |  |
    | `c` | planned | 2 | – | – | – |  |
    | `d` | no changes | – | – | – | – |  |
    | `e` | **refused** |  |  |  |  |  |
    | `f` | applying, 3 of 7 | 2 | – | – | – |  |
    | `g` | applied | 2 | – | – | – |  |
    | `h` | **apply failed** | 2 | – | – | – | **error** |
    | `i\|j` | **plan failed** |  |  |  |  | **error** |

    - `e` is not planned: it is held by pull request `#7`, which planned it first

    <details open><summary><b><code>h</code></b> was not applied, or not all of it</summary>

    no state yet

    ```
    error: AWS refused
    ```

    </details>

    <details open><summary><b><code>i|j</code></b> could not be planned</summary>

    ```
    error: no
    ```

    </details>
    "#);
}

#[test]
fn no_secret_is_told() {
    let text = serde_json::to_string(&digest(&gateway())).unwrap();
    for secret in ["hunter2", "correct horse"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("(sensitive)"), "{text}");
    let again: Digest = serde_json::from_str(&text).unwrap();
    assert_eq!(again, digest(&gateway()));
}

#[test]
fn thousands_of_changes_stay_one_valid_comment() {
    let begun = Instant::now();
    let plan = digest(&many(2_500));
    let counts = plan.counts;
    let page = Page { stacks: vec![stack("tenants", Outcome::Planned(plan))], rest: Some("https://ci.test/7".into()), ..Page::default() };
    let text = comment(&page, markdown::LIMIT);
    let took = begun.elapsed();
    assert!(text.len() <= markdown::LIMIT && text.len() > 60_000, "{} bytes", text.len());
    sound(&text).unwrap();
    // Of each danger some are named, and the others counted.
    for danger in ["what is on its disks may go with it", "its data goes with it", "opens SSH to the world"] {
        assert_eq!(text.matches(&format!("> - **{danger}**: ")).count(), 5, "{danger}");
        assert!(text.contains(&format!("> - {danger}: 20")), "{danger}");
    }
    // The table has all, what is replaced comes before what is made, and what is missing is counted.
    let row = format!(
        "| `tenants` | planned | {} | {} | **{}** | **{}** |",
        counts.create,
        counts.change + counts.tags,
        counts.replace,
        counts.destroy
    );
    assert!(text.contains(&row), "{}", &text[..1000]);
    assert!(text.contains("[all of it](<https://ci.test/7>)") && text.contains("more changes that this comment has no room for"));
    assert!(text.contains(&format!("{} CREATE", counts.create)) && !text.contains("CREATE <code>"), "creates go first");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_huge_stack_leaves_room_for_the_others() {
    let mut page = three();
    page.stacks.insert(0, stack("tenants", Outcome::Planned(digest(&many(2_500)))));
    let text = comment(&page, markdown::LIMIT);
    sound(&text).unwrap();
    assert!(text.len() <= markdown::LIMIT);
    // All that the others say alone is there.
    let alone = comment(&three(), markdown::LIMIT);
    let body = &alone[alone.find("<details><summary><b><code>gateway-node").unwrap()..alone.find("Comment `ferroform apply`").unwrap()];
    assert!(text.contains(body.trim()) && text.contains("did you mean `instance_type`?"), "{text}");
}

#[test]
fn a_huge_value_is_cut_within() {
    let line = |i: usize| format!("+   echo {i} >> /var/log/a-file-with-quite-a-long-name.log");
    let user_data = Detail {
        word: "CHANGE".into(),
        of: "aws_instance.huge".into(),
        lines: std::iter::once("  user_data: +4000 -0 lines".to_owned()).chain((0..4_000).map(line)).collect(),
        ..Detail::default()
    };
    assert!(user_data.lines.iter().map(String::len).sum::<usize>() > 200_000);
    let mut plan = digest(&gateway());
    plan.details.insert(0, user_data);
    let others = plan.details.clone();
    let text = comment(&Page { stacks: vec![stack("a", Outcome::Planned(plan))], ..Page::default() }, markdown::LIMIT);
    sound(&text).unwrap();
    assert!(text.len() <= markdown::LIMIT && text.len() > 60_000, "{}", text.len());
    assert!(
        Regex::new(r"(?m)^\+   echo \d+ >> /var/log/a-file-with-quite-a-long-name.log\n# … \d+ more lines left out\n```$")
            .unwrap()
            .is_match(&text)
    );
    for detail in &others[1..] {
        assert!(detail.lines.iter().all(|line| text.contains(line)), "{detail:?} is missing");
    }
    // A line that is huge is shortened, too.
    let one =
        Detail { word: "CHANGE".into(), of: "a.b".into(), lines: vec![format!("+ a = \"{}\"", "x".repeat(200_000))], ..Detail::default() };
    let plan = Digest { details: vec![one], ..Digest::default() };
    let text = comment(&Page { stacks: vec![stack("a", Outcome::Planned(plan))], ..Page::default() }, markdown::LIMIT);
    assert!(text.len() < 2_000 && text.contains("… (199408 more characters)"), "{text}");
}

#[test]
fn with_little_room_the_table_and_the_dangers_stay() {
    let text = comment(&three(), 500);
    assert!(text.len() <= 500, "{text}");
    sound(&text).unwrap();
    assert!(text.contains("| `network` | **plan failed** |") && text.contains("| `gateway-node` |"), "{text}");
    let mut page = three();
    page.stacks.extend((0..3_000).map(|i| stack(&format!("stack-{i}"), Outcome::Waiting)));
    let text = comment(&page, markdown::LIMIT);
    assert!(text.len() <= markdown::LIMIT && text.contains("RestartSec=5") && text.contains("more stacks |"), "{text}");
    sound(&text).unwrap();
}

/// What turns a text into something else.
const NASTY: &[&str] = &[
    "`",
    "``",
    "```",
    "```diff",
    "~~~",
    "\n",
    "\r\n",
    "\n\n",
    "|",
    "\\",
    "\\|",
    "<",
    ">",
    "</details>",
    "</code>",
    "<summary>",
    "<!--",
    "-->",
    "@team",
    "@a/b",
    "#12",
    "a/b#12",
    "GH-12",
    "0123abcdef",
    "[a](http://e.test)",
    "![i](x.png)",
    "http://e.test",
    "www.e.test",
    "x@e.test",
    ":smile:",
    "*",
    "**",
    "_",
    "~~",
    "$x$",
    "$",
    "&lt;",
    "&#64;",
    "\u{202e}",
    "\u{200b}",
    "\0",
    "\u{1b}[31m",
    "\t",
    "    ",
    " ",
    " ",
    "1. ",
    "1",
    "- ",
    "+ ",
    "! ",
    "# ",
    "---",
    "===",
    "> ",
    "[!NOTE]",
    "[^1]",
    "[ ] ",
    "(",
    ")",
    ":",
    ".",
    ",",
    "'",
    "\"",
    "word",
    "can't",
    "aws_eip.a",
    "é",
    "世界",
    "🚀",
    "\u{2028}",
];

fn nasty() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(NASTY), 0..7).prop_map(|parts| parts.concat())
}

/// A page of a fixed shape with these texts everywhere.
fn filled(texts: &[String]) -> Page {
    let mut texts = texts.iter().cycle().cloned();
    let mut next = || texts.next().unwrap_or_default();
    let mut detail = |word: &str, lines: usize| {
        let (of, id, why) = (next(), Some(next()), Some(next()));
        let lines = (0..lines).map(|i| format!("{}{}", ["+ ", "- ", "! ", "", "  "][i % 5], next())).collect();
        let word = if word.is_empty() { next() } else { word.to_owned() };
        Detail { word, of, id, why, place: None, lines }
    };
    let details =
        vec![detail("REPLACE", 4), detail("DELETE", 0), detail("CHANGE", 40), detail("", 3), detail("CREATE", 2), detail("IMPORT", 0)];
    let mut plan = || Digest {
        stack: next(),
        workspace: format!("w{}", next()),
        region: Some(next()),
        account: Some(next()),
        counts: Counts { create: 1, replace: 1, ..Counts::default() },
        dangers: vec![
            Danger { address: next(), text: next(), place: Some(Place { file: next(), line: 7 }) },
            Danger { address: next(), text: next(), place: None },
        ],
        warnings: vec![next(), next()],
        details: details.clone(),
        ..Digest::default()
    };
    let (one, two, three) = (plan(), plan(), plan());
    let stacks = vec![
        stack(&next(), Outcome::Planned(one)),
        stack(&next(), Outcome::Unplanned(next())),
        stack(&next(), Outcome::Refused(next())),
        stack(&next(), Outcome::Failed { plan: two, error: next() }),
        stack(&next(), Outcome::Applied { plan: three, summary: next() }),
        stack(&next(), Outcome::Waiting),
    ];
    Page { commit: format!("c{}", next()), hints: vec!["Comment `ferroform apply` to apply.".into()], rest: Some(next()), stacks }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_value_changes_what_the_comment_is(texts in proptest::collection::vec(nasty(), 1..40)) {
        let text = comment(&filled(&texts), usize::MAX);
        prop_assert_eq!(sound(&text), Ok(()), "{}", text);
        let plain = comment(&filled(&["word".to_owned()]), usize::MAX);
        prop_assert_eq!(read(&text).0, read(&plain).0, "{}", text);
    }

    #[test]
    fn the_comment_fits_and_is_whole_whatever_the_room(texts in proptest::collection::vec(nasty(), 1..40), limit in 0..9_000usize) {
        let page = Page { rest: Some("https://ci.test/7".into()), ..filled(&texts) };
        let text = comment(&page, limit);
        prop_assert!(text.len() <= limit, "{} > {limit}: {text}", text.len());
        prop_assert_eq!(sound(&text), Ok(()), "{}", text);
    }
}

#[test]
fn more_room_shows_more() {
    let page = three();
    let whole = comment(&page, usize::MAX);
    assert_eq!(comment(&page, whole.len()), whole);
    let seen: BTreeSet<usize> = (400..whole.len())
        .step_by(97)
        .map(|limit| {
            let text = comment(&page, limit);
            assert!(text.len() <= limit, "{limit}");
            sound(&text).unwrap_or_else(|e| panic!("{limit}: {e}: {text}"));
            text.len()
        })
        .collect();
    assert!(seen.len() > 10, "{seen:?}");
}
