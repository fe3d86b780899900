//! What a resource type, a data source and a provider are; and their object-safe twins, which is all that the engine sees.

use std::any::Any;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

mod object;

pub use object::{DataOf, DataType, Found, Of, ResourceType};

use super::address::{Address, Mode};
use super::drift::Deed;
use super::failure::{Failure, Outcome};
use super::listed::Listed;
use super::reads::Reads;
use super::schema::{Attr, Block, Field};
use super::value::Value;

/// What identifies a resource to its cloud; also its attribute `id`.
pub type Id = String;
/// Tags by key.
pub type Tags = BTreeMap<String, String>;
/// A future in a box.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How far the cloud has got with a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It can be used and changed.
    Ready,
    /// Something goes on; the word is the cloud's (`pending`, `stopping`).
    Pending(String),
    /// It will never be ready; the reason is the cloud's.
    Failed(String),
}

/// A resource as the cloud has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Live<R> {
    /// Its id.
    pub id: Id,
    /// All its attributes; of those that are `local`, anything: the engine keeps the state's.
    pub value: R,
}

/// A resource that is asked for: by id, and with what the state holds of it. There is no prior value on import.
#[derive(Clone, Debug)]
pub struct Known<R> {
    /// Its id.
    pub id: Id,
    /// What the state holds; lets a read leave out what nobody manages, and find what the id alone doesn't name.
    pub prior: Option<R>,
}

/// What a call runs with.
pub struct Cx<'a, C> {
    /// The clients of the provider's configuration that the resource belongs to.
    pub cloud: &'a C,
    /// The idempotency token of the intent: the same when an interrupted creation is tried again. At most 64 ASCII characters.
    pub token: &'a str,
    /// What this sweep of reads shares.
    pub reads: &'a Reads,
}

/// An error that is worth another try for a while, since it comes from the cloud's own delay.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// The operation that gives it, `RunInstances`; empty for any.
    pub operation: &'static str,
    /// Its code; empty for any.
    pub code: &'static str,
    /// What its message contains; empty for anything.
    pub message: &'static str,
    /// How long.
    pub within: Duration,
}

/// Something that no single attribute's schema can say is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The attribute to blame, `ingress.0.from_port`; empty for the whole resource.
    pub path: String,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

impl Problem {
    /// A problem with that attribute.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// The planned change of one resource, for a type that has more to say than its flags.
pub struct Planned<'a> {
    /// What the state holds, refreshed; none when it is to be created.
    pub prior: Option<&'a Value>,
    /// What is planned; may hold unknown values. May be changed.
    pub want: &'a mut Value,
    /// Attributes that differ and so will be changed.
    pub changed: &'a [String],
    /// Attributes whose change forces replacement, besides those flagged `force_new`.
    pub replace: Vec<String>,
    /// Attributes flagged `force_new` whose change does not replace this time.
    pub keep: Vec<String>,
    /// What can't be changed so, neither in place nor by a replacement.
    pub problems: Vec<Problem>,
}

impl<'a> Planned<'a> {
    /// What differs, with nothing said about it yet.
    pub fn new(prior: Option<&'a Value>, want: &'a mut Value, changed: &'a [String]) -> Self {
        Self { prior, want, changed, replace: vec![], keep: vec![], problems: vec![] }
    }
}

/// Says of a type that what it makes can also be written in an attribute of another, which then lists all that there may be.
#[derive(Clone, Copy, Debug)]
pub struct PartOf {
    /// The other type.
    pub kind: &'static str,
    /// Its attribute.
    pub attr: &'static str,
    /// The attribute of the part that holds the other's id.
    pub by: &'static str,
}

/// An order that no reference tells: what a resource needs that belongs to the same third thing as it does. An instance needs the
/// internet gateway of its VPC, and an ECS service the listener of its target group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct After {
    /// The type that is made before and removed after.
    pub kind: &'static str,
    /// The type of the third thing, to which both refer, directly or through others.
    pub through: &'static str,
}

/// What something uses as long as it lives, so that the cloud removes neither before the other is gone: a load balancer its subnets.
/// Where that is removed before its successor is made, nothing is left that this one could change to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The type of what is used.
    pub kind: &'static str,
    /// Where this one names it, by id, ARN or name: `subnets`, `network_configuration.subnets`.
    pub through: &'static str,
    /// What comes of it.
    pub then: Then,
}

/// What comes of something whose support goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is replaced as well, where the old one goes before the new one comes.
    Replaced,
    /// It is replaced as well, in whichever order: it can't move to the new one.
    Bound,
    /// It stays, so the cloud would refuse to remove what it uses: that is told when it is planned.
    Refused,
}

/// A resource type: a struct of its attributes, and the calls.
///
/// `create` makes the bare thing with one call where it can; the engine saves the id, reads it, calls `update` for what still
/// differs, and reads again. Mutating calls are never repeated by the SDK: the engine does it, after looking whether the lost
/// call took effect.
pub trait Resource: Block + Field + Clone + Send + Sync + 'static {
    /// Its name, Terraform's.
    const TYPE: &'static str;
    /// Two small stacks in TOML, with `---` on a line between: the second has every attribute changed that can change in place.
    const EXAMPLE: &'static str;
    /// The provider's `schema_version`, for the state.
    const SCHEMA_VERSION: u64 = 0;
    /// Whether no cloud is behind it: what it makes lives in the state alone, or on this machine. Then
    /// - the engine calls `generate` in place of `create` and `update`, and saves what that gives without reading it first;
    /// - `read` is asked for one at a time and its answer belongs to whatever was asked for, since ids need not differ (that of
    ///   every `random_password` is `none`); what it reads of an import bears the id to keep;
    /// - a creation that was interrupted is forgotten: it left nothing that the next one would not make anew.
    const LOCAL: bool = false;
    /// How many one `read` may be asked for.
    const BATCH: usize = if Self::LOCAL { 1 } else { 100 };
    /// The operations whose time limit a user may set in `timeouts`, with what holds otherwise, `("create", "10m")`.
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[];
    /// Errors worth another try.
    const RETRY: &'static [Retry] = &[];
    /// Error codes that say that it does not exist, besides those that every service shares.
    const GONE: &'static [&'static str] = &[];
    /// Whether a create call silently takes over what already exists under the same name. If so the engine asks `find` first and refuses.
    const UPSERTS: bool = false;
    /// Whether a delete call returns before the thing is gone, so that the engine has to wait for it.
    const LINGERS: bool = false;
    /// Whether what it is asked for goes out together with what others of its type are asked for: many are changed by one call, so
    /// that it is under way without being counted among the calls that may be in flight together.
    const SHARES: bool = false;
    /// The attribute by which whoever lost the state knows it again: a name that no two in one place can have, or `tags`.
    const KNOWN_BY: Option<&'static str> = None;
    /// The attributes that no two may share, where that is not the name of [`KNOWN_BY`](Self::KNOWN_BY) alone: `name` and `cluster`.
    const UNIQUE: &'static [&'static str] = &[];
    /// Where else it can be written: not in both places in one stack.
    const PART_OF: Option<PartOf> = None;
    /// What of the same VPC, cluster or role it needs without a reference to it.
    const AFTER: &'static [After] = &[];
    /// What it uses as long as it lives.
    const HOLDS: &'static [Hold] = &[];
    /// Attributes that others make what they are, where the stack is silent about them: an address is that of whatever it is associated
    /// with. No drift is told of them where another resource of the state names this one.
    const ECHOES: &'static [&'static str] = &[];
    /// Computed attributes whose change is drift: that an instance runs, and what tells it from another of the same name.
    const SIGNS: &'static [&'static str] = &[];
    /// Whether it is the account's own, whatever the region.
    const GLOBAL: bool = false;
    /// The clients that it needs.
    type Cloud: Send + Sync + 'static;

    /// Brings the bare thing into being.
    fn create(&self, cx: &Cx<'_, Self::Cloud>) -> impl Future<Output = Outcome<Id>> + Send;
    /// What there is now; what no longer exists is left out. Never asked for nothing.
    fn read(cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> impl Future<Output = Outcome<Vec<Live<Self>>>> + Send;
    /// Makes the live one like `self`. Must be safe to repeat. Not called where nothing differs.
    fn update(&self, cx: &Cx<'_, Self::Cloud>, live: &Live<Self>) -> impl Future<Output = Outcome<()>> + Send;
    /// Removes it. Settings that act on removal (`force_destroy`) are those of the state, in `live`.
    fn delete(cx: &Cx<'_, Self::Cloud>, live: &Live<Self>) -> impl Future<Output = Outcome<()>> + Send;

    /// The whole thing, where `LOCAL`: a new one, or what `have` becomes when it changes in place.
    fn generate(&self, _cx: &Cx<'_, Self::Cloud>, _have: Option<&Live<Self>>) -> impl Future<Output = Outcome<Live<Self>>> + Send {
        async { Err(Failure::other(format!("{} is made by its cloud (a bug in ferroform: it was asked for here)", Self::TYPE))) }
    }
    /// Those that could be this one, by its natural name or by the token: after a creation whose answer was lost, and before
    /// a creation where `UPSERTS`. Without an answer nothing can be recovered, so only types with a token that the cloud
    /// honours (where creating again gives the same thing) may leave it out.
    fn find(&self, _cx: &Cx<'_, Self::Cloud>) -> impl Future<Output = Outcome<Option<Id>>> + Send {
        async { Ok(None) }
    }
    /// One that exists and that this one would be taken for, by what [`KNOWN_BY`](Self::KNOWN_BY) names: with one call.
    fn twin(&self, cx: &Cx<'_, Self::Cloud>) -> impl Future<Output = Outcome<Option<Id>>> + Send {
        self.find(cx)
    }
    /// Those that exist and that this one may take over, by its natural identity: a name that no two in one place can have, or the
    /// CIDR and the tag `Name` of a VPC. More than one where the identity does not decide; the user is then asked.
    fn candidates(&self, cx: &Cx<'_, Self::Cloud>) -> impl Future<Output = Outcome<Vec<Id>>> + Send {
        async {
            match Self::KNOWN_BY {
                Some("tags") => Ok(vec![]),
                None if !Self::UPSERTS => Ok(vec![]),
                _ => Ok(self.twin(cx).await?.into_iter().collect()),
            }
        }
    }
    /// All that exist of it where the clients look, for whoever asks what nobody manages; none for a type that is told with what it
    /// is part of (an attachment, a rule). `cx.reads` knows all that states own.
    fn list(_cx: &Cx<'_, Self::Cloud>) -> impl Future<Output = Outcome<Option<Vec<Listed>>>> + Send {
        async { Ok(None) }
    }
    /// The id for what the user gave to `import`.
    fn import(_cx: &Cx<'_, Self::Cloud>, given: &str) -> impl Future<Output = Outcome<Id>> + Send {
        let id = given.to_owned();
        async { Ok(id) }
    }
    /// What was read of an import, as the configuration (which may hold unknown parts) means it: without what belongs to others,
    /// and with what the cloud can't tell but agrees with.
    fn adopt(live: Value, _given: &Value) -> Value {
        live
    }
    /// How far the cloud has got with it, by its attributes; what `read` told [`Reads::says`] comes first.
    fn status(_live: &Live<Self>) -> Status {
        Status::Ready
    }
    /// What no single attribute can say. The value may hold unknown parts, about which nothing can be said.
    fn check(_given: &Value) -> Vec<Problem> {
        vec![]
    }
    /// What flags can't say about a change: replacement under a condition, computed attributes that change along.
    fn plan(_planned: &mut Planned<'_>) {}
}

/// A data source: a struct of what the user gives and what the cloud answers.
pub trait DataSource: Block + Field + Clone + Send + Sync + 'static {
    /// Its name, Terraform's.
    const TYPE: &'static str;
    /// A small stack in TOML that reads it.
    const EXAMPLE: &'static str;
    /// Whether it has an attribute `id`.
    const ID: bool = true;
    /// The clients that it needs.
    type Cloud: Send + Sync + 'static;

    /// The same with the answers filled in, and its id.
    fn read(self, cx: &Cx<'_, Self::Cloud>) -> impl Future<Output = Outcome<Live<Self>>> + Send;
    /// What no single attribute can say.
    fn check(_given: &Value) -> Vec<Problem> {
        vec![]
    }
}

/// Whose account it is, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's number.
    pub account: String,
    /// Who calls, an ARN.
    pub caller: String,
    /// The region of the configuration.
    pub region: String,
}

/// A provider's clients for one configuration of it.
pub trait Cloud: Send + Sync {
    /// For the types of this provider.
    fn as_any(&self) -> &(dyn Any + Send + Sync);
    /// Asked once and remembered. None for a provider without accounts.
    fn identity(&self) -> Fut<'_, Outcome<Option<Identity>>>;
    /// What the cloud's log tells of the last change of a resource of that type, which goes by one of those names, the likeliest first.
    fn deed<'a>(&'a self, _kind: &'a str, _names: &'a [String], _since: Option<Timestamp>) -> Fut<'a, Outcome<Option<Deed>>> {
        Box::pin(async { Ok(None) })
    }
    /// Tags that every resource gets, unless it has the same key itself.
    fn default_tags(&self) -> &Tags;
    /// Whether a tag of that key is none of ours: kept out of reads and never removed.
    fn ignores_tag(&self, key: &str) -> bool;
}

/// What a provider's configuration is made with besides the stack's own block.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Send every call here, with made-up credentials: the sandbox.
    pub sandbox: Option<String>,
    /// Counts every call.
    pub calls: Arc<super::calls::Calls>,
    /// Who reads the states of other stacks.
    pub states: Option<Arc<dyn super::states::OtherStates>>,
}

/// A family of types with one configuration.
pub trait Provider: Sync {
    /// The word in `provider.NAME`, and the first word of its types' names.
    fn name(&self) -> &'static str;
    /// Its address in Terraform's registry, `registry.terraform.io/hashicorp/aws`.
    fn source(&self) -> &'static str;
    /// The version of Terraform's provider whose types these are, where it matters.
    fn version(&self) -> Option<[u64; 3]> {
        None
    }
    /// The attributes of its configuration.
    fn attrs(&self) -> &'static [Attr];
    /// Its clients for a known configuration. Makes no call.
    fn configure<'a>(&'a self, config: &'a Value, settings: &'a Settings) -> Fut<'a, Outcome<Arc<dyn Cloud>>>;
}

/// What a call runs with, before the type's own clients are known.
pub struct Context<'a> {
    /// The provider's clients.
    pub cloud: &'a dyn Cloud,
    /// See [`Cx::token`].
    pub token: &'a str,
    /// See [`Cx::reads`].
    pub reads: &'a Reads,
}

impl<'a> Context<'a> {
    fn typed<C: 'static>(&self) -> Cx<'a, C> {
        let cloud = self.cloud.as_any().downcast_ref().expect("the registry pairs each type with its own provider");
        Cx { cloud, token: self.token, reads: self.reads }
    }
}

/// Everything that there is: the engine gets it as an argument and names no type itself.
#[derive(Clone, Copy)]
pub struct Registry {
    /// The providers.
    pub providers: &'static [&'static dyn Provider],
    /// The resource types.
    pub resources: &'static [&'static dyn ResourceType],
    /// The data sources.
    pub data: &'static [&'static dyn DataType],
}

impl Registry {
    /// The resource type of that name.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&'static dyn ResourceType> {
        self.resources.iter().find(|t| t.name() == name).copied()
    }

    /// The data source of that name.
    #[must_use]
    pub fn data(&self, name: &str) -> Option<&'static dyn DataType> {
        self.data.iter().find(|t| t.name() == name).copied()
    }

    /// The attributes of that instance's type; none for a type that nobody knows.
    #[must_use]
    pub fn attrs(&self, address: &Address) -> &'static [Attr] {
        match address.mode {
            Mode::Managed => self.resource(&address.kind).map_or(&[], |t| t.attrs()),
            Mode::Data => self.data(&address.kind).map_or(&[], |t| t.attrs()),
        }
    }

    /// The provider of that name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&'static dyn Provider> {
        self.providers.iter().find(|p| p.name() == name).copied()
    }

    /// The provider that a type belongs to, by the first word of the type's name.
    #[must_use]
    pub fn provider_of(&self, kind: &str) -> Option<&'static dyn Provider> {
        self.provider(kind.split('_').next().unwrap_or_default())
    }
}
