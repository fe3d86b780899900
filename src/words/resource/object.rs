//! The object-safe twins of [`Resource`] and [`DataSource`]: all that the engine sees.

use std::marker::PhantomData;

use super::{After, Context, DataSource, Fut, Hold, Id, Known, Live, PartOf, Planned, Problem, Resource, Retry, Status};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::schema::{Attr, Field};
use crate::words::value::Value;

/// A [`Live`] whose type is known only at run time.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its id.
    pub id: Id,
    /// All its attributes but `id`, as an object.
    pub value: Value,
    /// How far the cloud has got with it.
    pub status: Status,
}

/// [`Resource`], object-safe. Values are objects of the type's attributes, wholly known.
pub trait ResourceType: Send + Sync {
    /// See [`Resource::TYPE`].
    fn name(&self) -> &'static str;
    /// What it is, in sentences.
    fn doc(&self) -> &'static str;
    /// Its attributes, but for `id` and `timeouts`.
    fn attrs(&self) -> &'static [Attr];
    /// See [`Resource::EXAMPLE`].
    fn example(&self) -> &'static str;
    /// See [`Resource::SCHEMA_VERSION`].
    fn schema_version(&self) -> u64;
    /// See [`Resource::LOCAL`].
    fn is_local(&self) -> bool;
    /// See [`Resource::BATCH`].
    fn batch(&self) -> usize;
    /// See [`Resource::TIMEOUTS`].
    fn timeouts(&self) -> &'static [(&'static str, &'static str)];
    /// See [`Resource::RETRY`].
    fn retry(&self) -> &'static [Retry];
    /// See [`Resource::GONE`].
    fn gone(&self) -> &'static [&'static str];
    /// See [`Resource::UPSERTS`].
    fn upserts(&self) -> bool;
    /// See [`Resource::LINGERS`].
    fn lingers(&self) -> bool;
    /// See [`Resource::SHARES`].
    fn shares(&self) -> bool;
    /// See [`Resource::KNOWN_BY`].
    fn known_by(&self) -> Option<&'static str>;
    /// The attributes that no two may share; empty where there are none: see [`Resource::UNIQUE`].
    fn unique(&self) -> Vec<&'static str>;
    /// See [`Resource::PART_OF`].
    fn part_of(&self) -> Option<&'static PartOf>;
    /// See [`Resource::AFTER`].
    fn after(&self) -> &'static [After];
    /// See [`Resource::HOLDS`].
    fn holds(&self) -> &'static [Hold];
    /// See [`Resource::ECHOES`].
    fn echoes(&self) -> &'static [&'static str];
    /// See [`Resource::SIGNS`].
    fn signs(&self) -> &'static [&'static str];
    /// See [`Resource::GLOBAL`].
    fn is_global(&self) -> bool;
    /// See [`Resource::adopt`].
    fn adopt(&self, live: Value, given: &Value) -> Value;
    /// See [`Resource::check`].
    fn check(&self, given: &Value) -> Vec<Problem>;
    /// See [`Resource::plan`].
    fn plan(&self, planned: &mut Planned<'_>);
    /// See [`Resource::create`].
    fn create<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value) -> Fut<'a, Outcome<Id>>;
    /// See [`Resource::read`]. A prior value is what the state holds.
    fn read<'a>(&'a self, cx: &'a Context<'_>, known: &'a [Known<Value>]) -> Fut<'a, Outcome<Vec<Found>>>;
    /// See [`Resource::update`].
    fn update<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value, live: &'a Found) -> Fut<'a, Outcome<()>>;
    /// See [`Resource::delete`].
    fn delete<'a>(&'a self, cx: &'a Context<'_>, live: &'a Found) -> Fut<'a, Outcome<()>>;
    /// See [`Resource::generate`].
    fn generate<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value, have: Option<&'a Found>) -> Fut<'a, Outcome<Found>>;
    /// See [`Resource::find`].
    fn find<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value) -> Fut<'a, Outcome<Option<Id>>>;
    /// See [`Resource::twin`].
    fn twin<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value) -> Fut<'a, Outcome<Option<Id>>>;
    /// See [`Resource::candidates`].
    fn candidates<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value) -> Fut<'a, Outcome<Vec<Id>>>;
    /// See [`Resource::list`].
    fn list<'a>(&'a self, cx: &'a Context<'_>) -> Fut<'a, Outcome<Option<Vec<Listed>>>>;
    /// See [`Resource::import`].
    fn import<'a>(&'a self, cx: &'a Context<'_>, given: &'a str) -> Fut<'a, Outcome<Id>>;
}

/// [`DataSource`], object-safe.
pub trait DataType: Send + Sync {
    /// See [`DataSource::TYPE`].
    fn name(&self) -> &'static str;
    /// What it is, in sentences.
    fn doc(&self) -> &'static str;
    /// Its attributes, but for `id`.
    fn attrs(&self) -> &'static [Attr];
    /// See [`DataSource::EXAMPLE`].
    fn example(&self) -> &'static str;
    /// See [`DataSource::ID`].
    fn has_id(&self) -> bool;
    /// See [`DataSource::check`].
    fn check(&self, given: &Value) -> Vec<Problem>;
    /// See [`DataSource::read`].
    fn read<'a>(&'a self, cx: &'a Context<'_>, given: &'a Value) -> Fut<'a, Outcome<Found>>;
}

/// A resource type as a value: `&Of::<Eip>::TYPE`.
pub struct Of<R>(PhantomData<fn() -> R>);

impl<R> Of<R> {
    /// The only one.
    pub const TYPE: Self = Self(PhantomData);
}

fn typed<R: Field>(value: &Value) -> Outcome<R> {
    R::take(value).map_err(|e| Failure::other(format!("{e} (a bug in ferroform: values are checked before)")))
}

fn live<R: Field>(found: &Found) -> Outcome<Live<R>> {
    Ok(Live { id: found.id.clone(), value: typed(&found.value)? })
}

fn found_of<R: Resource>(live: Live<R>) -> Found {
    Found { status: R::status(&live), value: live.value.give(), id: live.id }
}

impl<R: Resource> ResourceType for Of<R> {
    fn name(&self) -> &'static str {
        R::TYPE
    }
    fn doc(&self) -> &'static str {
        R::DOC
    }
    fn attrs(&self) -> &'static [Attr] {
        R::ATTRS
    }
    fn example(&self) -> &'static str {
        R::EXAMPLE
    }
    fn schema_version(&self) -> u64 {
        R::SCHEMA_VERSION
    }
    fn is_local(&self) -> bool {
        R::LOCAL
    }
    fn batch(&self) -> usize {
        R::BATCH
    }
    fn timeouts(&self) -> &'static [(&'static str, &'static str)] {
        R::TIMEOUTS
    }
    fn retry(&self) -> &'static [Retry] {
        R::RETRY
    }
    fn gone(&self) -> &'static [&'static str] {
        R::GONE
    }
    fn upserts(&self) -> bool {
        R::UPSERTS
    }
    fn lingers(&self) -> bool {
        R::LINGERS
    }
    fn shares(&self) -> bool {
        R::SHARES
    }
    fn known_by(&self) -> Option<&'static str> {
        R::KNOWN_BY
    }
    fn unique(&self) -> Vec<&'static str> {
        if R::UNIQUE.is_empty() { R::KNOWN_BY.filter(|name| *name != "tags").into_iter().collect() } else { R::UNIQUE.to_vec() }
    }
    fn part_of(&self) -> Option<&'static PartOf> {
        const { &R::PART_OF }.as_ref()
    }
    fn after(&self) -> &'static [After] {
        R::AFTER
    }
    fn holds(&self) -> &'static [Hold] {
        R::HOLDS
    }
    fn echoes(&self) -> &'static [&'static str] {
        R::ECHOES
    }
    fn signs(&self) -> &'static [&'static str] {
        R::SIGNS
    }
    fn is_global(&self) -> bool {
        R::GLOBAL
    }
    fn adopt(&self, live: Value, given: &Value) -> Value {
        R::adopt(live, given)
    }
    fn check(&self, given: &Value) -> Vec<Problem> {
        R::check(given)
    }
    fn plan(&self, planned: &mut Planned<'_>) {
        R::plan(planned);
    }
    fn create<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value) -> Fut<'a, Outcome<Id>> {
        Box::pin(async move { typed::<R>(want)?.create(&cx.typed()).await })
    }
    fn read<'a>(&'a self, cx: &'a Context<'_>, known: &'a [Known<Value>]) -> Fut<'a, Outcome<Vec<Found>>> {
        Box::pin(async move {
            // A state that another version wrote may lack what the type requires: then the id alone has to do.
            let prior = |v: &Value| R::take(v).ok();
            let known: Vec<Known<R>> = known.iter().map(|k| Known { id: k.id.clone(), prior: k.prior.as_ref().and_then(prior) }).collect();
            let found = R::read(&cx.typed(), &known).await?;
            let status = |l: &Live<R>| cx.reads.said(R::TYPE, &l.id).unwrap_or_else(|| R::status(l));
            Ok(found.into_iter().map(|l| Found { status: status(&l), value: l.value.give(), id: l.id }).collect())
        })
    }
    fn update<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value, found: &'a Found) -> Fut<'a, Outcome<()>> {
        Box::pin(async move { typed::<R>(want)?.update(&cx.typed(), &live(found)?).await })
    }
    fn delete<'a>(&'a self, cx: &'a Context<'_>, found: &'a Found) -> Fut<'a, Outcome<()>> {
        Box::pin(async move { R::delete(&cx.typed(), &live(found)?).await })
    }
    fn generate<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value, have: Option<&'a Found>) -> Fut<'a, Outcome<Found>> {
        Box::pin(async move {
            let have = have.map(live::<R>).transpose()?;
            typed::<R>(want)?.generate(&cx.typed(), have.as_ref()).await.map(found_of)
        })
    }
    fn find<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value) -> Fut<'a, Outcome<Option<Id>>> {
        Box::pin(async move { typed::<R>(want)?.find(&cx.typed()).await })
    }
    fn twin<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value) -> Fut<'a, Outcome<Option<Id>>> {
        Box::pin(async move { typed::<R>(want)?.twin(&cx.typed()).await })
    }
    fn candidates<'a>(&'a self, cx: &'a Context<'_>, want: &'a Value) -> Fut<'a, Outcome<Vec<Id>>> {
        Box::pin(async move { typed::<R>(want)?.candidates(&cx.typed()).await })
    }
    fn list<'a>(&'a self, cx: &'a Context<'_>) -> Fut<'a, Outcome<Option<Vec<Listed>>>> {
        Box::pin(async move { R::list(&cx.typed()).await })
    }
    fn import<'a>(&'a self, cx: &'a Context<'_>, given: &'a str) -> Fut<'a, Outcome<Id>> {
        Box::pin(async move { R::import(&cx.typed(), given).await })
    }
}

/// A data source as a value: `&DataOf::<Ami>::TYPE`.
pub struct DataOf<D>(PhantomData<fn() -> D>);

impl<D> DataOf<D> {
    /// The only one.
    pub const TYPE: Self = Self(PhantomData);
}

impl<D: DataSource> DataType for DataOf<D> {
    fn name(&self) -> &'static str {
        D::TYPE
    }
    fn doc(&self) -> &'static str {
        D::DOC
    }
    fn attrs(&self) -> &'static [Attr] {
        D::ATTRS
    }
    fn example(&self) -> &'static str {
        D::EXAMPLE
    }
    fn has_id(&self) -> bool {
        D::ID
    }
    fn check(&self, given: &Value) -> Vec<Problem> {
        D::check(given)
    }
    fn read<'a>(&'a self, cx: &'a Context<'_>, given: &'a Value) -> Fut<'a, Outcome<Found>> {
        Box::pin(async move {
            let read = typed::<D>(given)?.read(&cx.typed()).await?;
            Ok(Found { id: read.id, value: read.value.give(), status: Status::Ready })
        })
    }
}
