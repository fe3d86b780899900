//! Flags that several commands share, and Terraform's spelling of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ArgMatches, ValueEnum};

use crate::engine::plan::Purpose;
use crate::engine::planner::Options;
use crate::state::guard::Allow;
use crate::words::{Address, Diagnostic, Diagnostics, Selection};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Globals {
    /// Run against the local sandbox instead of AWS; its state is kept apart.
    #[arg(long, global = true, env = "FERROFORM_SANDBOX", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0, default_missing_value = "true", default_value = "false", hide_env_values = true)]
    pub sandbox: bool,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Colour,
    /// Say more: once for what is done, twice for each call.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say at the end how many calls were made.
    #[arg(long, global = true)]
    pub stats: bool,
    /// Another state for the same stack.
    #[arg(long, global = true, value_name = "NAME", env = "FERROFORM_WORKSPACE")]
    pub workspace: Option<String>,
    /// Where states lie, instead of `state/` in the project.
    #[arg(long, global = true, value_name = "DIR", env = "FERROFORM_STATE_DIR", hide_env_values = true)]
    pub state_dir: Option<PathBuf>,
    /// The stack, for commands whose arguments say something else: a directory, a `.toml` file, or a name in `stacks/`.
    #[arg(long, global = true, value_name = "STACK")]
    pub stack: Option<PathBuf>,
    /// Go to this folder first.
    #[arg(long, global = true, value_name = "DIR")]
    pub chdir: Option<PathBuf>,
}

/// Values of variables.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct VarArgs {
    /// The value of a variable: `--var region=eu-west-1`.
    #[arg(long, value_name = "NAME=VALUE")]
    pub var: Vec<String>,
    /// A file with values of variables.
    #[arg(long, value_name = "FILE")]
    pub var_file: Vec<PathBuf>,
}

/// What to plan.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub vars: VarArgs,
    /// Only this instance, block or module, and what it needs.
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<Selection>,
    /// Not this instance, block or module, nor what needs it.
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<Selection>,
    /// Replace this, whether it changes or not.
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<Address>,
    /// Only make the state like the world.
    #[arg(long, conflicts_with_all = ["destroy", "no_refresh", "replace"])]
    pub refresh_only: bool,
    /// Believe the state and read nothing.
    #[arg(long)]
    pub no_refresh: bool,
    /// Destroy everything that the state holds.
    #[arg(long)]
    pub destroy: bool,
    /// How many calls may be in flight at once.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub parallelism: u16,
    /// How long to wait for another run's lock: `30s`, `5m`.
    #[arg(long, default_value = "0s", value_parser = duration, value_name = "TIME")]
    pub lock_timeout: Duration,
    /// Never ask anything.
    #[arg(long)]
    pub no_input: bool,
    /// Go on though the state is empty and what the stack would make seems to exist.
    #[arg(long)]
    pub allow_existing: bool,
    /// Take over what exists instead of making it, where it is one and only one.
    #[arg(long)]
    pub adopt: bool,
    /// Destroy or replace what was adopted, too.
    #[arg(long)]
    pub destroy_adopted: bool,
    /// Go on in another account than that of what the state holds: all of it counts as gone.
    #[arg(long)]
    pub allow_other_account: bool,
    /// Go on in another region than that of what the state holds: all of it counts as gone.
    #[arg(long)]
    pub allow_other_region: bool,
}

impl PlanArgs {
    /// As the engine has it.
    pub fn options(&self) -> Options {
        let purpose = match (self.destroy, self.refresh_only) {
            (true, _) => Purpose::Destroy,
            (_, true) => Purpose::Refresh,
            _ => Purpose::Apply,
        };
        Options {
            purpose,
            targets: self.target.clone(),
            excludes: self.exclude.clone(),
            replace: self.replace.clone(),
            refresh: !self.no_refresh,
            parallelism: self.parallelism.into(),
            imports: vec![],
            generate: false,
            allow: Allow { existing: self.allow_existing, other_account: self.allow_other_account, other_region: self.allow_other_region },
            adopt: self.adopt,
            destroy_adopted: self.destroy_adopted,
            tolerant: false,
            mend: false,
            owned: BTreeMap::new(),
        }
    }
}

/// `30s`, `5m`, `1h`, or seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let n: u64 = digits.parse().map_err(|_| "a time such as `30s` or `5m`".to_owned())?;
    let seconds = match unit {
        "" | "s" => Some(n),
        "m" => n.checked_mul(60),
        "h" => n.checked_mul(3600),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(|| "a time such as `30s` or `5m`".into())
}

/// A value given to variables by a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// `--var`
    Var(String),
    /// `--var-file`
    File(PathBuf),
}

impl Pick {
    /// The same for another current folder.
    pub fn anywhere(&self) -> Self {
        match self {
            Self::Var(text) => Self::Var(text.clone()),
            Self::File(path) => Self::File(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
        }
    }
}

/// Values given by flags in the order of the command line: of two for one variable the later one holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Picked(pub Vec<Pick>);

impl Picked {
    /// Those of the innermost command.
    pub fn of(matches: &ArgMatches) -> Self {
        let mut leaf = matches;
        while let Some((_, inner)) = leaf.subcommand() {
            leaf = inner;
        }
        let mut found: Vec<(usize, Pick)> = vec![];
        if let Ok(Some(values)) = leaf.try_get_many::<String>("var") {
            found.extend(leaf.indices_of("var").into_iter().flatten().zip(values.cloned().map(Pick::Var)));
        }
        if let Ok(Some(values)) = leaf.try_get_many::<PathBuf>("var_file") {
            found.extend(leaf.indices_of("var_file").into_iter().flatten().zip(values.cloned().map(Pick::File)));
        }
        found.sort_by_key(|(at, _)| *at);
        Self(found.into_iter().map(|(_, pick)| pick).collect())
    }
}

/// `name=value` in two.
pub(crate) fn pair(text: &str) -> Result<(&str, &str), Diagnostics> {
    let bad = || Diagnostic::error(format!("`--var {text}` names no variable")).help("write it like `--var region=eu-west-1`").into();
    text.split_once('=').map(|(name, value)| (name.trim(), value)).filter(|(name, _)| !name.is_empty()).ok_or_else(bad)
}

/// The arguments with Terraform's single dash before long flags (`-auto-approve`, `-var k=v`) made two, and its other spellings
/// (`-json`, `-refresh=false`, `-no-color`) made ours. What stands after `--` is left alone.
pub(crate) fn modern(argv: impl IntoIterator<Item = OsString>, command: &clap::Command) -> Vec<OsString> {
    let mut known = BTreeSet::new();
    long_flags(command, &mut known);
    let mut out = vec![];
    let mut rest = argv.into_iter();
    out.extend(rest.next());
    for arg in rest.by_ref() {
        if arg == "--" {
            out.push(arg);
            break;
        }
        match arg.to_str().map(|text| one(text, &known)) {
            Some(Some(args)) => out.extend(args.into_iter().map(OsString::from)),
            _ => out.push(arg),
        }
    }
    out.extend(rest);
    out
}

fn long_flags(command: &clap::Command, known: &mut BTreeSet<(String, bool)>) {
    let flags = command.get_arguments().filter_map(|a| Some((a.get_long()?.to_owned(), a.get_action().takes_values())));
    known.extend(flags);
    command.get_subcommands().for_each(|c| long_flags(c, known));
}

/// What one argument becomes; none where it stays.
fn one(text: &str, known: &BTreeSet<(String, bool)>) -> Option<Vec<String>> {
    let name = text.strip_prefix('-')?;
    let name = name.strip_prefix('-').unwrap_or(name);
    let (name, value) = name.split_once('=').map_or((name, None), |(n, v)| (n, Some(v)));
    let flag = |text: &str| Some(vec![text.to_owned()]);
    match (name, value) {
        ("refresh" | "input", Some("false")) => return Some(vec![format!("--no-{name}")]),
        ("refresh" | "input", Some("true")) | ("compact-warnings" | "lock", _) => return Some(vec![]),
        ("no-color", None) => return flag("--color=never"),
        ("version", None) => return flag("--version"),
        ("help", None) => return flag("--help"),
        ("json", None) if text == "-json" => return flag("--json"),
        _ => {}
    }
    let long = name.len() > 1 && known.iter().any(|(n, _)| n == name);
    if !long {
        return None;
    }
    let switch = known.contains(&(name.to_owned(), false)) && !known.contains(&(name.to_owned(), true));
    match value {
        Some("true") if switch => Some(vec![format!("--{name}")]),
        Some("false") if switch => Some(vec![]),
        Some(value) => Some(vec![format!("--{name}={value}")]),
        None => Some(vec![format!("--{name}")]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn terraforms_spelling_is_ours() {
        let after = |line: &str| {
            let argv = line.split(' ').map(OsString::from);
            let out = modern(argv, &super::super::Cli::command());
            out.iter().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        for (line, want) in [
            ("ferroform apply -auto-approve -var a=b -var=c=d -out=p", "ferroform apply --auto-approve --var a=b --var=c=d --out=p"),
            ("ferroform plan -refresh=false -lock=false -input=false -no-color", "ferroform plan --no-refresh --no-input --color=never"),
            ("ferroform plan -v -vv -detailed-exitcode=true -destroy=false", "ferroform plan -v -vv --detailed-exitcode"),
            ("ferroform plan -- -out=p", "ferroform plan -- -out=p"),
            ("ferroform -chdir=x plan", "ferroform --chdir=x plan"),
        ] {
            assert_eq!(after(line), want);
        }
    }

    #[test]
    fn later_values_hold() {
        let matches =
            super::super::Cli::command().get_matches_from(["ferroform", "plan", "--var", "a=1", "--var-file", "f", "--var", "b=2"]);
        let file = Pick::File("f".into());
        assert_eq!(Picked::of(&matches).0, [Pick::Var("a=1".into()), file, Pick::Var("b=2".into())]);
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("5x").is_err() && duration("99999999999999999999h").is_err() && duration("9999999999999999999h").is_err());
    }
}
