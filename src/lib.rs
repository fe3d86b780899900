//! Ferroform: infrastructure as code for AWS in one binary.
//!
//! # The map of the house
//!
//! A module imports only from those above it in this table; `tests/all/house.rs` sees to that.
//!
//! | module | what it is | imports |
//! |---|---|---|
//! | [`words`] | what all speak: addresses, values, schemas, errors, and what a resource type is | nothing |
//! | [`stack`] | what is wanted: TOML and `.tf` files, expressions, functions, checks | words |
//! | [`spelling`] | the texts of stacks: formatting them, and spelling them the other way | words, stack |
//! | [`state`] | what is known: the snapshot in Terraform's format, the journal, the lock | words |
//! | [`engine`] | what differs, and doing it: graph, refresh, diff, plan, apply, recovery | words, stack, state |
//! | [`aws`] | resource types of AWS, a file each, and the clients that they share | words |
//! | [`local`] | resource types without a cloud: random values, keys, files | words |
//! | [`registry`] | the one list of all types | words, aws, local |
//! | [`sandbox`] | a local AWS: installing it, bringing it up, taking it down | words |
//! | [`show`] | plans, events, errors and schemas as text, Markdown and JSON; pure functions | all but aws, local, registry, sandbox |
//! | [`watch`] | drift detection as a service: the schedule, the history, telling people | words, show, aws |
//! | [`bot`] | plans on pull requests: what a change touches, the comment, the server and its queue, GitHub and GitLab | words, stack, show |
//! | [`cli`] | the commands: the only part that prints and that reads the environment | all |
//!
//! The engine names no cloud: it gets the registry as an argument and sees types through the object-safe
//! [`words::resource::ResourceType`]. What a type's author writes is [`words::resource::Resource`], typed.
//!
//! # The life of a plan
//!
//! Each phase is fed by the one before, and by nothing else.
//!
//! 1. [`stack::load`] makes one syntax tree ([`stack::Stack`]) of the files in whatever [`stack::Spelling`]; [`stack::validate`] says what is wrong with it
//!    before anything is evaluated; [`stack::variables`] settles the values of its variables.
//! 2. [`state::LocalStore`] reads the snapshot, and the journal if there is one. If a run died, [`engine::recover`] first settles
//!    what it left: it asks the cloud about each intent whose outcome nobody knows.
//! 3. [`engine::refresh`] reads everything that the state holds, many at a time, through [`engine::reader`].
//! 4. [`engine::planner`] walks the [`engine::graph`], evaluates each block in the [`engine::world`] of what is known so far, compares
//!    it with what was read ([`engine::diff`], [`engine::same`]), and gives an [`engine::plan::Plan`]: plain data.
//! 5. [`show`] shows it. [`engine::saved`] can keep it in a file, with the sources that it was made of and without its secrets.
//! 6. [`engine::apply`] walks the [`engine::steps`] of the plan. Before each call an intent is in the [`state::Journal`], after it the
//!    result; [`engine::converge`] reads what was made, updates what still differs, and waits until it is ready.
//!    [`engine::event`] tells whoever listens.
//! 7. The journal is folded into a new snapshot.
//!
//! Drift ends after the fourth: [`engine::drift`] compares what was read with the state, [`show::drift`] judges what differs and makes a
//! [`words::drift::Report`] of it, with what the plan says of each finding.
//!
//! # Files on disk
//!
//! | file | what it is |
//! |---|---|
//! | `stacks/NAME/*.toml`, `*.tf`, `*.tf.json` | a stack; all of them in the folder are one |
//! | `stacks/NAME/vars.toml`, `terraform.tfvars`, `*.auto.tfvars`, both also `.json` | values of its variables, read by themselves |
//! | `state/NAME.tfstate.json` | its state, Terraform's format 4; `.backup` is the one before |
//! | `state/NAME.tfstate.json.journal`, `.journal.key`, `.lock` | of an apply that is under way, or that died |
//! | `state/NAME/WORKSPACE.tfstate.json` | the state of another workspace |
//! | `state/drift.sqlite`, `-wal`, `-shm`, `.lock` | the history of `drift --watch` |
//! | `ferroform.toml` | who is told of drift; which projects the bot knows, and its rules |
//! | `ferroform-bot/` | of `bot serve`: `bot.sqlite`, `checkouts/`, `plans/`, `state/` |
//! | `state/applied.json` | the last commit all of which `bot ci apply` applied |
//! | `state/.sandbox/` | states of `--sandbox` runs |
//! | `terraform.tfstate` in the stack's folder | where it is there, it stays the state: the folder came from Terraform |
//! | `DIR/...` for all that lies in `state/` | with `--state-dir DIR` or `FERROFORM_STATE_DIR`, also for folders that came from Terraform |
//! | the user's cache folder, `ferroform/` | the sandbox's virtual environment, its log, and where it listens |
//! | the user's state folder, `ferroform/console_history` | what was typed at the console, for its owner alone |

pub mod aws;
pub mod bot;
pub mod cli;
pub mod engine;
pub mod local;
pub mod registry;
pub mod sandbox;
pub mod show;
pub mod spelling;
pub mod stack;
pub mod state;
pub mod watch;
pub mod words;
