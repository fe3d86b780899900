//! A cloud in memory whose types behave as badly as real ones: slow, forgetful, and failing on demand.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use ferroform::words::Value;
use ferroform::words::failure::{Cause, Failure, Outcome};
use ferroform::words::resource;
use ferroform::words::resource::{
    After, Cloud, Cx, DataOf, DataSource, Fut, Hold, Id, Identity, Known, Live, Of, Problem, Provider, Registry, Resource, ResourceType,
    Settings, Status, Tags,
};
use ferroform::words::schema::Attr;
use tokio_util::sync::CancellationToken;

/// What a call does when it was told to fail.
#[derive(Clone, Debug)]
pub enum How {
    /// It is refused for good.
    Refuse,
    /// It is done, and the answer is lost.
    LostAfter,
    /// It is not done, and no answer comes.
    LostBefore,
    /// Too many calls.
    Throttle,
    /// Too many calls, in those words.
    Say(&'static str),
    /// The token is cancelled; then it is done.
    Cancel(CancellationToken),
    /// The token is cancelled, and no answer ever comes; it is done if so said.
    Hang(CancellationToken, bool),
}

/// A fault to come: of calls of that operation on things of that name, so many times.
#[derive(Clone, Debug)]
pub struct Fault {
    pub operation: &'static str,
    pub name: String,
    pub how: How,
    pub times: usize,
}

/// One thing that exists.
#[derive(Clone, Debug)]
pub struct Thing {
    pub kind: &'static str,
    pub value: Value,
    pub token: String,
    looks: usize,
    dying: Option<usize>,
}

impl Thing {
    pub fn name(&self) -> &str {
        self.value.attr("name").as_str().unwrap_or_default()
    }
}

/// All that is in one cloud, and what was done to it.
#[derive(Debug, Default)]
pub struct World {
    pub things: BTreeMap<Id, Thing>,
    pub log: Vec<String>,
    pub faults: Vec<Fault>,
    pub calls: BTreeMap<&'static str, usize>,
    serials: HashMap<String, usize>,
}

/// The clients of one world.
pub struct Clients {
    world: Arc<Mutex<World>>,
    tags: Tags,
}

fn worlds() -> &'static Mutex<HashMap<String, Arc<Mutex<World>>>> {
    static WORLDS: OnceLock<Mutex<HashMap<String, Arc<Mutex<World>>>>> = OnceLock::new();
    WORLDS.get_or_init(Mutex::default)
}

/// The world of that name: what `Settings::sandbox` says.
pub fn world(name: &str) -> Arc<Mutex<World>> {
    worlds().lock().unwrap().entry(name.to_owned()).or_default().clone()
}

impl Cloud for Clients {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
    fn identity(&self) -> Fut<'_, Outcome<Option<Identity>>> {
        Box::pin(async { Ok(None) })
    }
    fn default_tags(&self) -> &Tags {
        &self.tags
    }
    fn ignores_tag(&self, _key: &str) -> bool {
        false
    }
}

/// What a call goes on with once it knows whether it is to fail.
enum Then {
    Do,
    DoAnd(Failure),
    DoAndHang,
}

fn failure(operation: &str, code: &str, message: impl Into<String>, cause: Cause) -> Failure {
    Failure { service: "test", operation: operation.into(), code: code.into(), ..Failure::other(message) }.because(cause)
}

impl Clients {
    async fn begin(&self, operation: &'static str, name: &str) -> Outcome<Then> {
        let how = {
            let mut world = self.world.lock().unwrap();
            *world.calls.entry(operation).or_default() += 1;
            let fault = world.faults.iter_mut().find(|f| f.operation == operation && f.name == name && f.times > 0);
            fault.map(|f| {
                f.times -= 1;
                f.how.clone()
            })
        };
        let lost = || failure(operation, "Timeout", "no answer came", Cause::Lost);
        match how {
            None => Ok(Then::Do),
            Some(How::Refuse) => Err(failure(operation, "Refused", format!("{name} is refused"), Cause::Refused)),
            Some(How::Throttle) => Err(failure(operation, "Throttled", "slow down", Cause::Throttled)),
            Some(How::Say(words)) => Err(failure(operation, "Throttled", words, Cause::Throttled)),
            Some(How::LostBefore) => Err(lost()),
            Some(How::LostAfter) => Ok(Then::DoAnd(lost())),
            Some(How::Cancel(token)) => {
                token.cancel();
                Ok(Then::Do)
            }
            Some(How::Hang(token, done)) => {
                token.cancel();
                if done { Ok(Then::DoAndHang) } else { std::future::pending().await }
            }
        }
    }

    /// Does it, and answers as the fault has it.
    async fn call<T>(&self, operation: &'static str, name: &str, act: impl FnOnce(&mut World) -> Outcome<T>) -> Outcome<T> {
        let then = self.begin(operation, name).await?;
        let done = act(&mut self.world.lock().unwrap());
        match then {
            Then::Do => done,
            Then::DoAnd(failure) => done.and(Err(failure)),
            Then::DoAndHang => std::future::pending().await,
        }
    }

    async fn create<R: Resource>(&self, want: &R, token: &str, natural: bool, bare: bool) -> Outcome<Id> {
        let value = want.give();
        let name = value.attr("name").as_str().unwrap_or_default().to_owned();
        self.call("create", &name, |world| {
            if !natural && let Some((id, _)) = world.things.iter().find(|(_, t)| t.kind == R::TYPE && t.token == token) {
                return Ok(id.clone());
            }
            if natural && !R::UPSERTS && world.things.contains_key(&name) {
                return Err(failure("create", "AlreadyExists", format!("{name} exists"), Cause::Exists));
            }
            world.needs(&value, "create")?;
            let id = if natural { name.clone() } else { world.id(&name) };
            let value = if bare { value.with("size", Value::Null) } else { value };
            let value = finished(value, &name);
            world.things.insert(id.clone(), Thing { kind: R::TYPE, value, token: token.into(), looks: 0, dying: None });
            world.log.push(format!("create {id}"));
            Ok(id)
        })
        .await
    }

    async fn read<R: Resource>(&self, known: &[Known<R>], slow: bool) -> Outcome<Vec<Live<R>>> {
        let mut found = vec![];
        let names: Vec<String> = {
            let world = self.world.lock().unwrap();
            known.iter().map(|k| world.things.get(&k.id).map(|t| t.name().to_owned()).unwrap_or_default()).collect()
        };
        for (k, name) in known.iter().zip(names) {
            let read = self.call("read", &name, |world| Ok(world.look(&k.id, R::TYPE, slow))).await?;
            if let Some(value) = read {
                let value = R::take(&value).map_err(|e| Failure::other(e.to_string()))?;
                found.push(Live { id: k.id.clone(), value });
            }
        }
        Ok(found)
    }

    async fn update<R: Resource>(&self, want: &R, id: &str) -> Outcome<()> {
        let value = want.give();
        let name = value.attr("name").as_str().unwrap_or_default().to_owned();
        self.call("update", &name, |world| {
            world.needs(&value, "update")?;
            let thing = world.things.get_mut(id).ok_or_else(|| failure("update", "NotFound", "gone", Cause::Gone))?;
            thing.value = finished(value, &name);
            world.log.push(format!("update {id}"));
            Ok(())
        })
        .await
    }

    async fn delete<R: Resource>(&self, id: &str, name: &str) -> Outcome<()> {
        self.call("delete", name, |world| {
            let gone = failure("delete", "NotFound", "gone", Cause::Gone);
            if world.things.get(id).is_none_or(|t| t.dying.is_some()) {
                return Err(gone);
            }
            let used = |t: &Thing| t.value.attr("needs").items().iter().any(|n| n.as_str() == Some(id));
            if let Some((user, _)) = world.things.iter().find(|(_, t)| t.dying.is_none() && used(t)) {
                return Err(failure("delete", "InUse", format!("{user} uses {id}"), Cause::Refused));
            }
            world.log.push(format!("delete {id}"));
            match world.things.get_mut(id).filter(|_| R::LINGERS) {
                Some(thing) => thing.dying = Some(1),
                None => drop(world.things.remove(id)),
            }
            Ok(())
        })
        .await
    }

    async fn find<R: Resource>(&self, want: &R, token: &str, natural: bool) -> Outcome<Option<Id>> {
        let name = want.give().attr("name").as_str().unwrap_or_default().to_owned();
        self.call("find", &name, |world| {
            let mut found = world.things.iter().filter(|(_, t)| t.kind == R::TYPE && t.dying.is_none());
            Ok(found.find(|(id, t)| if natural { **id == name } else { t.token == token }).map(|(id, _)| id.clone()))
        })
        .await
    }
}

/// What the cloud adds.
fn finished(value: Value, name: &str) -> Value {
    let zone = if value.attr("zone").is_null() { Value::from("zone-1") } else { value.attr("zone").clone() };
    value.with("zone", zone).with("endpoint", Value::from(format!("{name}.test"))).with("keep", Value::Bool(false))
}

impl World {
    fn id(&mut self, name: &str) -> Id {
        let serial = self.serials.entry(name.to_owned()).or_default();
        *serial += 1;
        format!("{name}-{serial}")
    }

    /// Whoever needs another must find it.
    fn needs(&self, value: &Value, operation: &str) -> Outcome<()> {
        for need in value.attr("needs").items().iter().filter_map(Value::as_str) {
            if self.things.get(need).is_none_or(|t| t.dying.is_some()) {
                return Err(failure(operation, "NotFound", format!("there is no {need}"), Cause::Refused));
            }
        }
        Ok(())
    }

    fn look(&mut self, id: &str, kind: &str, slow: bool) -> Option<Value> {
        let thing = self.things.get_mut(id).filter(|t| t.kind == kind)?;
        thing.looks += 1;
        let (looks, broken) = (thing.looks, thing.name().starts_with("broken"));
        let state = match &mut thing.dying {
            Some(0) => {
                self.things.remove(id);
                return None;
            }
            Some(left) => {
                *left -= 1;
                "deleting"
            }
            None if slow && looks < 2 => "starting",
            None if broken => "failed",
            None => "ready",
        };
        Some(self.things[id].value.clone().with("state", Value::from(state)))
    }
}

macro_rules! thing {
    ($(#[doc = $doc:literal])* $name:ident, $word:literal, natural = $natural:literal, slow = $slow:literal, bare = $bare:literal, { $($more:item)* }) => {
        ferroform::blocks! {
            $(#[doc = $doc])*
            pub struct $name {
                /// Its name.
                #[attr(force_new)]
                name: String,
                /// How large it is.
                size: Option<i64>,
                /// Where it is.
                #[attr(chosen)]
                zone: Option<String>,
                /// A password.
                #[attr(sensitive)]
                secret: Option<String>,
                /// Tags.
                tags: BTreeMap<String, String>,
                /// Tags, and those of the provider.
                #[attr(chosen)]
                tags_all: BTreeMap<String, String>,
                /// Texts in order.
                items: Vec<String>,
                /// Texts without order.
                links: BTreeSet<String>,
                /// The ids of what it uses.
                needs: Vec<String>,
                /// A matter of the state alone.
                #[attr(local, default_bool(false))]
                keep: bool,
                /// Nested.
                rule: Vec<Rule>,
                /// Where it answers.
                #[attr(computed)]
                endpoint: Option<String>,
                /// How far it is.
                #[attr(computed)]
                state: Option<String>,
            }
        }

        impl Resource for $name {
            const TYPE: &'static str = $word;
            const EXAMPLE: &'static str = "";
            type Cloud = Clients;
            $($more)*

            async fn create(&self, cx: &Cx<'_, Clients>) -> Outcome<Id> {
                cx.cloud.create(self, cx.token, $natural, $bare).await
            }
            async fn read(cx: &Cx<'_, Clients>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
                cx.cloud.read(known, $slow).await
            }
            async fn update(&self, cx: &Cx<'_, Clients>, live: &Live<Self>) -> Outcome<()> {
                cx.cloud.update(self, &live.id).await
            }
            async fn delete(cx: &Cx<'_, Clients>, live: &Live<Self>) -> Outcome<()> {
                cx.cloud.delete::<Self>(&live.id, &live.value.name).await
            }
            async fn find(&self, cx: &Cx<'_, Clients>) -> Outcome<Option<Id>> {
                cx.cloud.find(self, cx.token, $natural).await
            }
            fn status(live: &Live<Self>) -> Status {
                match live.value.state.as_deref() {
                    Some("starting" | "deleting") => Status::Pending(live.value.state.clone().unwrap_or_default()),
                    Some("failed") => Status::Failed("it broke".into()),
                    _ => Status::Ready,
                }
            }
            fn check(given: &Value) -> Vec<Problem> {
                let bad = given.attr("size").as_number().is_some_and(|n| n.as_i64() == Some(13));
                if bad { vec![Problem::new("size", "13 is no size")] } else { vec![] }
            }
        }
    };
}

ferroform::blocks! {
    /// A rule.
    pub struct Rule {
        /// A port.
        port: i64,
        /// Words.
        note: Option<String>,
        /// Made by the cloud's default.
        #[attr(force_new)]
        kind: Option<String>,
    }
}

thing!(
    /// Created once for each token.
    Token, "test_thing", natural = false, slow = false, bare = false, {}
);
thing!(
    /// Known by its name; created bare.
    Named, "test_named", natural = true, slow = false, bare = true, {
        const KNOWN_BY: Option<&'static str> = Some("name");
    }
);
thing!(
    /// Creation takes over what is there.
    Put, "test_put", natural = true, slow = false, bare = false, {
        const UPSERTS: bool = true;
    }
);
thing!(
    /// Slow to come and to go.
    Slow, "test_slow", natural = false, slow = true, bare = false, {
        const LINGERS: bool = true;
    }
);

thing!(
    /// What hosts of the same net need without naming it.
    Door, "test_door", natural = false, slow = false, bare = false, {}
);
thing!(
    /// Uses what it is made of as long as it lives.
    Bridge, "test_bridge", natural = false, slow = false, bare = false, {
        const HOLDS: &'static [Hold] = &[
            Hold { kind: "test_thing", through: "needs", then: resource::Then::Replaced },
            Hold { kind: "test_door", through: "needs", then: resource::Then::Bound },
            Hold { kind: "test_slow", through: "needs", then: resource::Then::Refused },
        ];
    }
);
thing!(
    /// Needs the doors of its net; several may bear one name.
    Host, "test_host", natural = false, slow = false, bare = false, {
        const AFTER: &'static [After] = &[After { kind: "test_door", through: "test_thing" }];
        async fn candidates(&self, cx: &Cx<'_, Clients>) -> Outcome<Vec<Id>> {
            let same = |(id, t): (&Id, &Thing)| (t.kind == Self::TYPE && t.name() == self.name).then(|| id.clone());
            cx.cloud.call("candidates", &self.name, |world| Ok(world.things.iter().filter_map(same).collect())).await
        }
    }
);

ferroform::blocks! {
    /// Looks a thing up by name.
    pub struct Lookup {
        /// The name.
        name: String,
        /// How large it is.
        #[attr(computed)]
        size: Option<i64>,
        /// Its id.
        #[attr(computed)]
        found: Option<String>,
    }
}

impl DataSource for Lookup {
    const TYPE: &'static str = "test_lookup";
    const EXAMPLE: &'static str = "";
    type Cloud = Clients;

    async fn read(self, cx: &Cx<'_, Clients>) -> Outcome<Live<Self>> {
        let name = self.name.clone();
        cx.cloud
            .call("lookup", &name, |world| {
                let found = world.things.iter().find(|(_, t)| t.name() == name);
                let (id, thing) = found.ok_or_else(|| failure("lookup", "NotFound", format!("there is no {name}"), Cause::Gone))?;
                let size = thing.value.attr("size").as_number().and_then(|n| n.as_i64());
                Ok(Live { id: id.clone(), value: Self { size, found: Some(id.clone()), ..self } })
            })
            .await
    }
}

/// The provider of these types.
pub struct TestProvider;

ferroform::blocks! {
    /// The configuration of the provider.
    pub struct Config {
        /// Any word: it becomes a default tag.
        word: Option<String>,
    }
}

impl Provider for TestProvider {
    fn name(&self) -> &'static str {
        "test"
    }
    fn source(&self) -> &'static str {
        "registry.terraform.io/example/test"
    }
    fn attrs(&self) -> &'static [Attr] {
        <Config as ferroform::words::schema::Block>::ATTRS
    }
    fn configure<'a>(&'a self, config: &'a Value, settings: &'a Settings) -> Fut<'a, Outcome<Arc<dyn Cloud>>> {
        let world = world(settings.sandbox.as_deref().unwrap_or_default());
        let tags = config.attr("word").as_str().map(|word| ("word".to_owned(), word.to_owned())).into_iter().collect();
        Box::pin(async move { Ok(Arc::new(Clients { world, tags }) as Arc<dyn Cloud>) })
    }
}

static PROVIDERS: [&dyn Provider; 3] = [&TestProvider, ferroform::local::PROVIDERS[0], ferroform::local::PROVIDERS[3]];
static RESOURCES: [&dyn ResourceType; 9] = [
    &Of::<Bridge>::TYPE,
    &Of::<Token>::TYPE,
    &Of::<Named>::TYPE,
    &Of::<Put>::TYPE,
    &Of::<Slow>::TYPE,
    &Of::<Door>::TYPE,
    &Of::<Host>::TYPE,
    ferroform::local::RESOURCES[6],
    ferroform::local::RESOURCES[3],
];

/// All that there is in the test cloud, and `terraform_data`.
pub const REGISTRY: Registry = Registry { providers: &PROVIDERS, resources: &RESOURCES, data: &[&DataOf::<Lookup>::TYPE] };
