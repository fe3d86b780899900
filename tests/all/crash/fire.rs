//! Under fire: AWS throttles, breaks down, loses answers, hides what is new, and lists in small pages, all at once.

use super::{Case, good};
use crate::support::project::Said;
use crate::support::proxy::{Fault, Proxy};
use crate::support::sandbox::cloud;

#[test]
fn an_apply_and_a_destroy_under_fire_end_right() {
    let case = Case::new(cloud());
    let proxy = Proxy::new(&case.project.cloud.endpoint, 3)
        .with("*", Fault::Throttle { burst: 3.0, per_second: 3.0 })
        .with("*", Fault::Broken { status: 500, chance: 0.05 })
        .with("*", Fault::CutAfter(0.05))
        .with("*", Fault::Unseen(2))
        .with("*", Fault::SmallPages(2));
    let through = case.project.cloud.through(proxy.endpoint());
    let mut worst = [0; 3];
    for command in ["apply", "destroy"] {
        let run = case.project.command(&through, command, &["--auto-approve", "--stats"]).output().unwrap();
        let said = Said::of(&run);
        good(&said, command).unwrap_or_else(|why| panic!("{why}\n{:?}", proxy.counts()));
        let calls = proxy.calls();
        let outcomes = |words: &[&str]| calls.iter().filter(|call| words.contains(&call.outcome.as_str())).count();
        let throttled = outcomes(&["Throttling", "ThrottlingException", "RequestLimitExceeded"]);
        let (broken, lost) = (outcomes(&["InternalError"]), outcomes(&["cut after"]));
        println!("{command}: {} calls, {throttled} throttled, {broken} broken, {lost} lost", calls.len());
        let told = format!("AWS throttled {throttled} of {} calls", calls.len());
        assert!(throttled == 0 || said.flat().contains(&told), "`{told}` is missing in\n{}", said.err);
        worst = [worst[0] + throttled, worst[1] + broken, worst[2] + lost];
        if command == "apply" {
            case.is_applied().unwrap();
            let plan = case.project.command(&through, "plan", &["--detailed-exitcode"]).output().unwrap();
            good(&Said::of(&plan), "a plan under fire").unwrap();
        } else {
            case.is_gone().unwrap();
        }
        proxy.forget();
    }
    assert!(!worst.contains(&0), "throttled, broken, lost: {worst:?}");
}
