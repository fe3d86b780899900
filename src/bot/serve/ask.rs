//! What people ask for in comments, and whether they may have it.

use tracing::info;

use super::{Done, Server};
use crate::bot::checkout::Checkouts;
use crate::bot::command::{Command, command};
use crate::bot::config::Rules;
use crate::bot::forge::{Permission, Pull, PullId};
use crate::bot::say;
use crate::bot::store::{Row, Status, Work};
use crate::show::gfm::code;

impl Server {
    /// Somebody wrote a comment.
    pub(super) async fn said(&self, id: &PullId, comment: u64, user: &str, text: &str, delivery: &str) -> Done {
        let Some(command) = command(text) else { return Ok(()) };
        if user == self.forge.me().await? {
            return Ok(());
        }
        info!(user, ?command, "asked");
        self.forge.seen(id, comment).await?;
        match command {
            Command::Help => return Ok(self.forge.say(id, &say::help()).await?),
            Command::Unknown(said) => return Ok(self.forge.say(id, &say::unknown(&said)).await?),
            Command::Plan | Command::Apply(_) | Command::Unlock => {}
        }
        let pull = self.forge.pull(id).await?;
        if let Some(why) = self.why_not_here(&pull) {
            return Ok(self.forge.say(id, &why).await?);
        }
        if let Err(said) = self.tree(&pull).await? {
            return Ok(self.forge.say(id, &said).await?);
        }
        let rules = match self.rules(&pull).await {
            Ok(rules) => rules,
            Err(said) => return Ok(self.forge.say(id, &said).await?),
        };
        let wanted = match command {
            // Whoever can push can have it planned.
            Command::Plan => Rules { allow: vec![], permission: Permission::Write, ..Rules::default() },
            _ => rules.clone(),
        };
        if let Some(why) = self.why_not_by(&pull, user, &wanted).await? {
            return Ok(self.forge.say(id, &why).await?);
        }
        match command {
            Command::Plan => self.look(id, delivery, true).await,
            Command::Apply(names) => self.ask_apply(&pull, user, &names, &rules, delivery).await,
            _ => self.ask_unlock(id, user, delivery).await,
        }
    }

    fn why_not_here(&self, pull: &Pull) -> Option<String> {
        let word = self.forge.word();
        if !pull.open {
            return Some(format!(
                "This {word} is {}: nothing can be done from it any more.",
                if pull.merged.is_some() { "merged" } else { "closed" }
            ));
        }
        pull.fork
            .then(|| format!("This {word} comes from a fork. Its code is not run with credentials: push the branch into this repository."))
    }

    /// Why somebody may not do that.
    async fn why_not_by(&self, pull: &Pull, user: &str, rules: &Rules) -> Done<Option<String>> {
        let repository = &pull.id.repository;
        let permission = self.forge.permission(repository, user).await?;
        if permission < rules.permission {
            return Ok(Some(format!(
                "{} may not do that: it needs the permission `{}` in this repository, and has `{}`.",
                code(user),
                rules.permission.word(),
                permission.word()
            )));
        }
        for allowed in &rules.allow {
            let allowed = allowed.trim_start_matches('@');
            let is = if allowed.contains('/') { self.forge.in_team(allowed, user).await? } else { allowed.eq_ignore_ascii_case(user) };
            if is {
                return Ok(None);
            }
        }
        Ok((!rules.allow.is_empty()).then(|| {
            let all: Vec<String> = rules.allow.iter().map(|name| code(name)).collect();
            format!("{} may not do that. `ferroform.toml` of {} allows it to: {}.", code(user), code(&pull.base_branch), all.join(", "))
        }))
    }

    /// Has the plans applied that are asked for, if the rules are kept.
    async fn ask_apply(&self, pull: &Pull, user: &str, names: &[String], rules: &Rules, delivery: &str) -> Done {
        let id = &pull.id;
        let rows = self.store.rows(id).await?;
        let chosen = match chosen(&rows, names) {
            Ok(chosen) => chosen,
            Err(why) => return Ok(self.forge.say(id, &why).await?),
        };
        if let Some(old) = chosen.iter().find(|row| row.tree != Checkouts::name(pull)) {
            let said = format!(
                "The plan of {} is of other commits than {} and {} are at now. It is planned again: look at that, and ask once more.",
                code(&old.project.name),
                code(&pull.head_branch),
                code(&pull.base_branch)
            );
            self.forge.say(id, &said).await?;
            return self.look(id, delivery, true).await;
        }
        let missing = self.missing(pull, rules).await?;
        if !missing.is_empty() {
            let all: Vec<String> = missing.iter().map(|why| format!("- {why}\n")).collect();
            return Ok(self.forge.say(id, &format!("Nothing is applied yet. What is missing:\n\n{}", all.concat())).await?);
        }
        let stacks: Vec<String> = chosen.iter().map(|row| row.stack.clone()).collect();
        for row in chosen {
            let counts = row.digest.as_ref().map(|digest| digest.counts).unwrap_or_default();
            let total = counts.create + counts.change + counts.tags + counts.replace + counts.destroy;
            let total = i64::try_from(total).unwrap_or(i64::MAX);
            self.store.put(id, &Row { status: Status::Applying, done: 0, total, said: String::new(), ..row.clone() }).await?;
        }
        self.store.add(&Work::Apply { pull: id.clone(), stacks, user: user.to_owned() }, delivery).await?;
        Ok(self.store.add_once(&Work::Tell(id.clone()), delivery).await?)
    }

    /// What the rules want and is not so, in sentences.
    async fn missing(&self, pull: &Pull, rules: &Rules) -> Done<Vec<String>> {
        if rules.approvals == 0 && !rules.checks && !rules.up_to_date {
            return Ok(vec![]);
        }
        let standing = self.forge.standing(pull, say::CHECKS).await?;
        let mut missing = vec![];
        let by: Vec<&String> = standing.approved_by.iter().filter(|by| **by != pull.author).collect();
        if by.len() < rules.approvals {
            missing.push(format!("approvals: {} of {}", by.len(), rules.approvals));
        }
        if rules.approvals > 0 && !standing.rejected_by.is_empty() {
            let all: Vec<String> = standing.rejected_by.iter().map(|by| code(by)).collect();
            missing.push(format!("changes are asked for by {}", all.join(", ")));
        }
        if rules.checks {
            let list = |names: &[String]| names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
            if !standing.failing.is_empty() {
                missing.push(format!("checks that failed: {}", list(&standing.failing)));
            }
            if !standing.pending.is_empty() {
                missing.push(format!("checks that have not ended: {}", list(&standing.pending)));
            }
        }
        if rules.up_to_date && standing.behind > 0 {
            let commits = crate::show::line::count(usize::try_from(standing.behind).unwrap_or(usize::MAX), "commit");
            missing.push(format!("{commits} of {} that the branch lacks: bring it up to date", code(&pull.base_branch)));
        }
        Ok(missing)
    }

    /// Lets go of all that a pull request holds.
    async fn ask_unlock(&self, id: &PullId, user: &str, delivery: &str) -> Done {
        let rows = self.store.rows(id).await?;
        if let Some(row) = rows.iter().find(|row| row.status == Status::Applying) {
            let said = format!("{} is being applied: it can be unlocked when that has ended.", code(&row.project.name));
            return Ok(self.forge.say(id, &said).await?);
        }
        for mut row in rows {
            if self.store.holds(id, &row.stack).await? {
                row.status = Status::Refused;
                row.said = format!("unlocked by {user}; `ferroform plan` plans it again");
                row.plan = None;
                self.store.put(id, &row).await?;
            }
        }
        self.free(id, None, delivery).await?;
        Ok(self.store.add_once(&Work::Tell(id.clone()), delivery).await?)
    }
}

/// The stacks that are to be applied; or why none is.
fn chosen<'a>(rows: &'a [Row], names: &[String]) -> Result<Vec<&'a Row>, String> {
    let all = |rows: &[Row]| rows.iter().map(|row| code(&row.project.name)).collect::<Vec<_>>().join(", ");
    for name in names {
        if !rows.iter().any(|row| row.project.name == *name) {
            let known = if rows.is_empty() { "It touches none.".to_owned() } else { format!("It touches: {}.", all(rows)) };
            return Err(format!("There is no stack {} here. {known}", code(name)));
        }
    }
    let named = |row: &&Row| names.is_empty() || names.contains(&row.project.name);
    let chosen: Vec<&Row> = rows.iter().filter(named).collect();
    for row in &chosen {
        let name = code(&row.project.name);
        match row.status {
            Status::Planned => {}
            Status::Applied => {
                if !names.is_empty() {
                    return Err(format!("{name} was applied already."));
                }
            }
            Status::Waiting | Status::Planning => {
                return Err(format!("{name} is still being planned: look at its plan, and ask once more."));
            }
            Status::Applying => return Err(format!("{name} is being applied already.")),
            Status::Blocked => return Err(format!("{name} is {}.", row.said)),
            Status::Unplanned | Status::Refused => return Err(format!("{name} has no plan that could be applied. Nothing was done.")),
            Status::Failed => return Err(format!("The last apply of {name} failed: `ferroform plan` shows what is left to do.")),
        }
    }
    let due = |row: &&Row| row.status == Status::Planned && row.digest.as_ref().is_some_and(|digest| !digest.counts.nothing());
    let chosen: Vec<&Row> = chosen.into_iter().filter(due).collect();
    if chosen.is_empty() { Err("There is nothing to apply.".into()) } else { Ok(chosen) }
}
