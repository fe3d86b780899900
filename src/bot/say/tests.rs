use super::*;
use crate::show::digest::{Counts, Danger};

fn planned(counts: Counts) -> Outcome {
    Outcome::Planned(Digest { stack: "web".into(), counts, ..Digest::default() })
}

fn names(outcomes: &[&Outcome]) -> Vec<String> {
    labels(outcomes).into_iter().map(|label| label.name).collect()
}

fn page(stacks: Vec<Outcome>) -> Page {
    let stacks = stacks.into_iter().enumerate().map(|(i, outcome)| Stack { name: format!("stack{i}"), outcome }).collect();
    Page { commit: "3f2a9c1d".into(), stacks, ..Page::default() }
}

#[test]
fn labels_say_the_worst_and_what_is_done() {
    let nothing = planned(Counts { unchanged: 3, ..Counts::default() });
    let creates = planned(Counts { create: 1, ..Counts::default() });
    let replaces = planned(Counts { replace: 1, ..Counts::default() });
    let failed = Outcome::Unplanned("no".into());
    assert_eq!(names(&[&nothing, &creates]), ["ferroform: changes"]);
    assert_eq!(names(&[&replaces]), ["ferroform: destroys", "ferroform: changes"]);
    assert_eq!(names(&[&nothing]), ["ferroform: no changes"]);
    assert_eq!(names(&[&nothing, &failed]), ["ferroform: failed"]);
    assert_eq!(names(&[&replaces, &failed]), ["ferroform: failed", "ferroform: destroys", "ferroform: changes"]);
    // Nobody knows yet.
    assert_eq!(names(&[&nothing, &Outcome::Planning]), [""; 0]);
    assert_eq!(names(&[]), [""; 0]);
    for label in labels(&[&creates]) {
        assert!(label.colour.len() == 6 && label.meaning.len() <= 100 && label.name.len() <= 50, "{label:?}");
    }
}

#[test]
fn a_check_says_how_it_stands() {
    let verdict = |stacks: Vec<Outcome>| {
        let check = check(&page(stacks));
        (check.verdict, check.title)
    };
    let nothing = planned(Counts::default());
    let creates = planned(Counts { create: 1, ..Counts::default() });
    let destroys = planned(Counts { destroy: 1, ..Counts::default() });
    assert_eq!(verdict(vec![nothing.clone()]), (Verdict::Success, "no changes".into()));
    assert_eq!(verdict(vec![nothing.clone(), creates.clone()]), (Verdict::Success, "1 stack with changes".into()));
    assert_eq!(verdict(vec![creates.clone(), destroys.clone()]).0, Verdict::Neutral);
    assert_eq!(verdict(vec![creates.clone(), Outcome::Waiting]), (Verdict::Running, "1 of 2 stacks done".into()));
    assert_eq!(verdict(vec![destroys, Outcome::Unplanned("x".into())]), (Verdict::Failure, "1 of 2 stacks failed".into()));
    assert_eq!(verdict(vec![Outcome::Refused("it is held by #7".into())]).0, Verdict::Failure);
}

#[test]
fn annotations_stand_at_the_lines() {
    let place = |file: &str, line: u64| Some(Place { file: file.into(), line });
    let plan = Digest {
        dangers: vec![
            Danger {
                address: "aws_instance.a".into(),
                text: "what is on its disks may go with it".into(),
                place: place("stacks/web/stack.toml", 7),
            },
            Danger {
                address: "aws_security_group.b".into(),
                text: "opens SSH to the world".into(),
                place: place("./stacks/web/stack.toml", 30),
            },
            Danger { address: "aws_security_group.c".into(), text: "opens SSH to the world".into(), place: place("/etc/stack.toml", 30) },
        ],
        details: vec![
            Detail {
                word: "REPLACE".into(),
                of: "aws_instance.a".into(),
                why: Some("because ami changes".into()),
                place: place("stacks/web/stack.toml", 7),
                lines: vec!["! what is on its disks may go with it".into(), "- ami = \"a\"".into(), "+ ami = \"b\"".into()],
                ..Detail::default()
            },
            Detail { word: "DELETE".into(), of: "aws_eip.gone".into(), ..Detail::default() },
            Detail { word: "CREATE".into(), of: "aws_eip.new".into(), place: place("stacks/web/stack.toml", 50), ..Detail::default() },
        ],
        ..Digest::default()
    };
    let failed = "error: aws_instance has no attribute `instance_typ`\n   ┌─ stacks/db/stack.toml:58:1\n58 │ instance_typ = 1\n";
    let all = check(&page(vec![Outcome::Planned(plan), Outcome::Unplanned(failed.into())])).annotations;
    let told: Vec<String> = all.iter().map(|a| format!("{:?} {}:{} {}: {}", a.level, a.path, a.line, a.title, a.message)).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    Failure stacks/db/stack.toml:58 stack1 could not be planned: error: aws_instance has no attribute `instance_typ`
       ┌─ stacks/db/stack.toml:58:1
    58 │ instance_typ = 1
    Warning stacks/web/stack.toml:7 REPLACE aws_instance.a: because ami changes
    what is on its disks may go with it
    - ami = "a"
    + ami = "b"
    Warning stacks/web/stack.toml:30 opens SSH to the world: aws_security_group.b
    "#);
}

#[test]
fn the_first_place_is_found_in_what_the_program_says() {
    let found = |said: &str| place_in(said).map(|place| format!("{}:{}", place.file, place.line));
    assert_eq!(found("error: no (stacks/x/stack.toml:41:1)").as_deref(), Some("stacks/x/stack.toml:41"));
    assert_eq!(found("wrong: main.tf:3: and `b.toml:4:2`").as_deref(), Some("main.tf:3"));
    assert_eq!(found("at 12:30:01 http://localhost:80/ failed, x.toml:y"), None);
}

#[test]
fn hints_say_what_to_type() {
    let creates = planned(Counts { create: 1, ..Counts::default() });
    let nothing = planned(Counts::default());
    let said = |outcomes: &[&Outcome]| hints(outcomes, true).join(" ");
    assert_eq!(said(&[&creates]), "Comment `ferroform apply` to apply this plan.");
    assert_eq!(said(&[&creates, &creates]), "Comment `ferroform apply` to apply these plans, or `ferroform apply STACK` for one of them.");
    assert_eq!(said(&[&nothing]), "There is nothing to apply.");
    assert_eq!(said(&[&creates, &Outcome::Planning]), "");
    assert_eq!(said(&[&Outcome::Unplanned("x".into())]), "Comment `ferroform plan` to plan again; a new commit does so, too.");
    assert_eq!(hints(&[&creates], false), [""; 0]);
}

#[test]
fn an_unknown_command_gets_a_short_help_and_nothing_else() {
    let said = unknown("aply @everyone <b>\nmore");
    assert!(
        said.starts_with("There is no command `aply @everyone <b>`. There are:\n\n| Comment |") && said.contains("`ferroform help`"),
        "{said}"
    );
    assert!(help().contains("`ferroform unlock`"));
}

#[test]
fn the_text_bears_its_mark_within_the_limit() {
    let (page, mark) = (page(vec![planned(Counts { create: 1, ..Counts::default() })]), mark("acme/infra --> 7"));
    assert_eq!(mark, "<!-- ferroform bot: acme/infra %2D%2D%3E 7 -->");
    for limit in [60, 100, 200, 65_536] {
        let text = text(&page, &mark, limit);
        assert!(text.len() <= limit && text.ends_with(&mark), "{limit}: {text}");
    }
}
