//! Expressions: what a stack says before anything is known. Every node remembers where it stands.

use std::sync::Arc;

use super::functions::Function;
use crate::words::{Address, Diagnostic, Key, Mode, Result, Span, Value};

/// An expression with its place.
#[derive(Clone, Debug)]
pub struct Expr {
    pub(super) node: Node,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Literal(Value),
    Tuple(Vec<Expr>),
    Object(Vec<(Expr, Expr)>),
    Template(Vec<Part>),
    /// A variable of a `for`, of a template file, or (`*`) the element of a splat.
    Local(Arc<str>),
    /// Anything but a resource or a module.
    Root(Target),
    Resource(Box<ResourceRef>),
    Module(Box<ModuleRef>),
    Attr(Box<Expr>, Arc<str>),
    Index(Box<Expr>, Box<Expr>),
    Splat {
        source: Box<Expr>,
        each: Box<Expr>,
    },
    Unary(Unary, Box<Expr>),
    Binary(Binary, Span, Box<[Expr; 2]>),
    Cond(Box<[Expr; 3]>),
    Call(Box<Call>),
    For(Box<For>),
    /// A call that can't be right: told with all else that is wrong with the stack.
    Wrong(Box<Diagnostic>),
}

/// A resource, and the index right behind it.
#[derive(Clone, Debug)]
pub(super) struct ResourceRef {
    pub(super) mode: Mode,
    pub(super) kind: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) index: Option<Expr>,
}

/// A module, and the index right behind it.
#[derive(Clone, Debug)]
pub(super) struct ModuleRef {
    pub(super) name: Arc<str>,
    pub(super) index: Option<Expr>,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) name: Span,
    pub(super) args: Vec<Expr>,
    pub(super) expand: bool,
}

#[derive(Clone, Debug)]
pub(super) struct For {
    pub(super) key_var: Option<Arc<str>>,
    pub(super) value_var: Arc<str>,
    pub(super) collection: Expr,
    pub(super) key: Option<Expr>,
    pub(super) value: Expr,
    pub(super) cond: Option<Expr>,
    pub(super) grouping: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Not,
    Neg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Eq,
    NotEq,
    LessEq,
    GreaterEq,
    Less,
    Greater,
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
    And,
    Or,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Text(Arc<str>),
    Value(Expr),
    If { cond: Expr, then: Vec<Part>, otherwise: Vec<Part> },
    For { key_var: Option<Arc<str>>, value_var: Arc<str>, collection: Expr, body: Vec<Part> },
}

/// The template that a whole file is.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) body: Expr,
}

/// What a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// `var.NAME`
    Variable(Arc<str>),
    /// `local.NAME`
    Local(Arc<str>),
    /// `TYPE.NAME` or `data.TYPE.NAME`
    Resource {
        /// Managed or data.
        mode: Mode,
        /// Its type.
        kind: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
    /// `module.NAME`
    Module(Arc<str>),
    /// `each`
    Each,
    /// `count`
    Count,
    /// `self`
    SelfRef,
    /// `path`
    Path,
    /// `terraform`
    Terraform,
}

/// A place in an expression that refers to something, as far as that can be told without evaluating.
#[derive(Clone, Debug)]
pub struct Reference {
    /// What it leads to.
    pub target: Target,
    /// Of a resource or module: the instance, where it is written out (`[0]`, `["a"]`).
    pub key: Option<Key>,
    /// Of a resource or module: whether an index or splat follows, so that an instance is meant and not the block.
    pub indexed: bool,
    /// The attribute or output that is asked for, where one is written out.
    pub attribute: Option<Arc<str>>,
    /// Where.
    pub span: Span,
}

impl Expr {
    /// A value as an expression.
    pub fn literal(value: Value, span: &Span) -> Self {
        Self { node: Node::Literal(value), span: span.clone() }
    }

    pub(super) fn new(node: Node, span: Span) -> Self {
        Self { node, span }
    }

    /// An object out of keys and values.
    pub(super) fn object(items: Vec<(Self, Self)>, span: Span) -> Self {
        Self::new(Node::Object(items), span)
    }

    /// Where it stands.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Of the console's question for a type, `type(...)`: what is asked about.
    pub fn asked_type(&self) -> Option<&Self> {
        match &self.node {
            Node::Call(call) if call.function.name == "type" => call.args.first(),
            _ => None,
        }
    }

    /// Whether it is a reference and what is asked of it, and nothing else.
    pub(super) fn is_reference(&self) -> bool {
        match &self.node {
            Node::Root(_) | Node::Resource(_) | Node::Module(_) | Node::Local(_) => true,
            Node::Attr(of, _) | Node::Index(of, _) => of.is_reference(),
            _ => false,
        }
    }

    /// The value, where it is written out: no reference, no call.
    pub fn constant(&self) -> Option<Value> {
        match &self.node {
            Node::Literal(value) => Some(value.clone()),
            Node::Tuple(items) => Some(Value::Tuple(Arc::new(items.iter().map(Self::constant).collect::<Option<_>>()?))),
            Node::Object(items) => {
                let pair = |(k, v): &(Self, Self)| Some((k.constant()?.as_str()?.to_owned(), v.constant()?));
                Some(Value::object(items.iter().map(pair).collect::<Option<Vec<_>>>()?))
            }
            _ => None,
        }
    }

    /// The entries of an object that is written out: key, its place, and value. A key that is computed is left out.
    pub fn entries(&self) -> Option<impl Iterator<Item = (&str, &Span, &Self)>> {
        match &self.node {
            Node::Object(items) => Some(items.iter().filter_map(|(k, v)| match &k.node {
                Node::Literal(Value::String(name)) => Some((&**name, &k.span, v)),
                _ => None,
            })),
            _ => None,
        }
    }

    /// The elements of a list that is written out.
    pub fn elements(&self) -> Option<&[Self]> {
        match &self.node {
            Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entry of that key.
    pub fn entry(&self, name: &str) -> Option<&Self> {
        self.entries()?.find(|(key, _, _)| *key == name).map(|(_, _, v)| v)
    }

    /// The expression at a path such as `ingress.0.from_port`, or the nearest around it that is written out.
    pub fn get(&self, path: &str) -> &Self {
        self.walk(path).0
    }

    /// Where the key at the end of that path is written; where it isn't, the place of what [`Expr::get`] gives.
    pub fn key_span(&self, path: &str) -> &Span {
        let (at, key) = self.walk(path);
        key.unwrap_or(&at.span)
    }

    fn walk(&self, path: &str) -> (&Self, Option<&Span>) {
        let (mut at, mut key) = (self, None);
        let mut steps = path.split('.').filter(|s| !s.is_empty());
        while let Some(step) = steps.next() {
            let next = match (&at.node, step.parse::<usize>()) {
                (Node::Tuple(items), Ok(index)) => items.get(index).map(|e| (e, None)),
                // One table stands for a list of one block.
                (Node::Object(_), Ok(0)) if at.entry(step).is_none() => Some((at, key)),
                (Node::Object(_), _) => {
                    at.entries().and_then(|mut all| all.find(|(k, _, _)| *k == step)).map(|(_, span, value)| (value, Some(span)))
                }
                // A list where an object was asked for: its only element.
                (Node::Tuple(items), Err(_)) if items.len() == 1 => {
                    items[0].entries().and_then(|mut e| e.find(|(k, _, _)| *k == step)).map(|(_, span, value)| (value, Some(span)))
                }
                _ => None,
            };
            match next {
                Some((e, k)) => (at, key) = (e, k),
                None => return (at, if steps.next().is_some() { None } else { key }),
            }
        }
        (at, key)
    }

    /// Everything that it refers to, in the order of the text.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = vec![];
        self.collect(&mut found);
        found
    }

    fn collect(&self, found: &mut Vec<Reference>) {
        let (of, attribute) = match &self.node {
            Node::Attr(of, name) => (&**of, Some(name)),
            Node::Splat { source, each } if matches!(source.node, Node::Resource(_) | Node::Module(_)) => (&**source, each.first_attr()),
            _ => (self, None),
        };
        let Some(mut reference) = of.reference() else {
            self.children(&mut |child| child.collect(found));
            return;
        };
        reference.indexed |= matches!(self.node, Node::Splat { .. });
        reference.attribute = attribute.cloned();
        reference.span = self.span.clone();
        found.push(reference);
        of.children(&mut |child| child.collect(found));
        if let Node::Splat { each, .. } = &self.node {
            each.collect(found);
        }
    }

    /// Of the expression for one element of a splat: the attribute that is asked of the element.
    pub(super) fn first_attr(&self) -> Option<&Arc<str>> {
        match &self.node {
            Node::Attr(of, name) if matches!(of.node, Node::Local(_)) => Some(name),
            Node::Attr(of, _) | Node::Index(of, _) | Node::Splat { source: of, .. } => of.first_attr(),
            _ => None,
        }
    }

    /// The reference that it is, if it is one.
    fn reference(&self) -> Option<Reference> {
        let plain = |target| Reference { target, key: None, indexed: false, attribute: None, span: self.span.clone() };
        match &self.node {
            Node::Root(target) => Some(plain(target.clone())),
            Node::Resource(r) => Some(Reference {
                key: r.index.as_ref().and_then(Self::constant).and_then(|v| static_key(&v)),
                indexed: r.index.is_some(),
                ..plain(Target::Resource { mode: r.mode, kind: r.kind.clone(), name: r.name.clone() })
            }),
            Node::Module(m) => Some(Reference {
                key: m.index.as_ref().and_then(Self::constant).and_then(|v| static_key(&v)),
                indexed: m.index.is_some(),
                ..plain(Target::Module(m.name.clone()))
            }),
            _ => None,
        }
    }

    /// The address that it spells, where it is one: `module.a["x"].aws_eip.b[each.key]`. `key` makes a key of what stands in brackets.
    pub fn address(&self, key: &mut dyn FnMut(&Self) -> Result<Key>) -> Option<Result<Address>> {
        let mut steps = vec![];
        self.address_steps(&mut steps)?;
        let mut text = String::new();
        for (word, index) in steps {
            let key = match index.map(&mut *key).transpose() {
                Ok(key) => key.map_or_else(String::new, |key| key.to_string()),
                Err(errors) => return Some(Err(errors)),
            };
            text += &format!("{}{word}{key}", if text.is_empty() { "" } else { "." });
        }
        text.parse().ok().map(Ok)
    }

    fn address_steps<'a>(&'a self, steps: &mut Vec<(&'a str, Option<&'a Self>)>) -> Option<()> {
        match &self.node {
            Node::Module(m) => steps.extend([("module", None), (&*m.name, m.index.as_ref())]),
            Node::Resource(r) => {
                steps.extend((r.mode == Mode::Data).then_some(("data", None)));
                steps.extend([(&*r.kind, None), (&*r.name, r.index.as_ref())]);
            }
            Node::Attr(of, name) => {
                of.address_steps(steps)?;
                steps.push((&**name, None));
            }
            Node::Index(of, index) => {
                of.address_steps(steps)?;
                let last = steps.last_mut().filter(|(_, index)| index.is_none())?;
                last.1 = Some(&**index);
            }
            _ => return None,
        }
        Some(())
    }

    /// Calls `see` for this and all below it.
    pub(super) fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Self)) {
        see(self);
        self.children(&mut |child| child.visit(see));
    }

    pub(super) fn children<'a>(&'a self, see: &mut dyn FnMut(&'a Self)) {
        match &self.node {
            Node::Literal(_) | Node::Local(_) | Node::Root(_) | Node::Wrong(_) => {}
            Node::Tuple(items) => items.iter().for_each(see),
            Node::Object(items) => items.iter().for_each(|(k, v)| {
                see(k);
                see(v);
            }),
            Node::Template(parts) => parts_children(parts, see),
            Node::Resource(r) => r.index.iter().for_each(see),
            Node::Module(m) => m.index.iter().for_each(see),
            Node::Attr(of, _) | Node::Unary(_, of) => see(of),
            Node::Index(of, index) => {
                see(of);
                see(index);
            }
            Node::Splat { source, each } => {
                see(source);
                see(each);
            }
            Node::Binary(_, _, sides) => sides.iter().for_each(see),
            Node::Cond(three) => three.iter().for_each(see),
            Node::Call(call) => call.args.iter().for_each(see),
            Node::For(f) => {
                see(&f.collection);
                f.key.iter().for_each(&mut *see);
                see(&f.value);
                f.cond.iter().for_each(see);
            }
        }
    }

    /// The calls in it that can't be right.
    pub(super) fn wrongs(&self) -> Vec<Diagnostic> {
        let mut found = vec![];
        self.visit(&mut |e| {
            if let Node::Wrong(wrong) = &e.node {
                found.push(wrong.as_ref().clone());
            }
        });
        found
    }

    /// Whether it refers to a resource or module directly.
    pub(super) fn asks_others(&self) -> bool {
        let mut found = false;
        self.visit(&mut |e| {
            found |= matches!(e.node, Node::Resource(_) | Node::Module(_));
        });
        found
    }
}

fn parts_children<'a>(parts: &'a [Part], see: &mut dyn FnMut(&'a Expr)) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(e) => see(e),
            Part::If { cond, then, otherwise } => {
                see(cond);
                parts_children(then, see);
                parts_children(otherwise, see);
            }
            Part::For { collection, body, .. } => {
                see(collection);
                parts_children(body, see);
            }
        }
    }
}

/// The key of an instance that a value means, where it can be one.
pub(super) fn static_key(value: &Value) -> Option<Key> {
    match value.bare() {
        Value::String(s) => Some(Key::Str(s.clone())),
        Value::Number(n) => n.as_i64().and_then(|n| u64::try_from(n).ok()).map(Key::Int),
        _ => None,
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "var.{name}"),
            Self::Local(name) => write!(f, "local.{name}"),
            Self::Resource { mode: Mode::Managed, kind, name } => write!(f, "{kind}.{name}"),
            Self::Resource { mode: Mode::Data, kind, name } => write!(f, "data.{kind}.{name}"),
            Self::Module(name) => write!(f, "module.{name}"),
            Self::Each => f.write_str("each"),
            Self::Count => f.write_str("count"),
            Self::SelfRef => f.write_str("self"),
            Self::Path => f.write_str("path"),
            Self::Terraform => f.write_str("terraform"),
        }
    }
}
