//! What a value is marked with, besides what it is.

use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;

use super::value::Value;

/// The marks of a value. They go wherever it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marks {
    /// Never to be shown.
    pub sensitive: bool,
    /// Never to be kept: in no plan and in no state.
    pub ephemeral: bool,
}

impl Marks {
    /// Never to be shown.
    pub const SENSITIVE: Self = Self { sensitive: true, ephemeral: false };
    /// Never to be kept.
    pub const EPHEMERAL: Self = Self { sensitive: false, ephemeral: true };

    /// Whether there is any.
    #[must_use]
    pub const fn any(self) -> bool {
        self.sensitive || self.ephemeral
    }
}

impl BitOr for Marks {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self { sensitive: self.sensitive || other.sensitive, ephemeral: self.ephemeral || other.ephemeral }
    }
}

impl BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl FromIterator<Self> for Marks {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        all.into_iter().fold(Self::default(), Self::bitor)
    }
}

impl Value {
    /// The same, with those marks besides its own.
    #[must_use]
    pub fn marked(self, marks: Marks) -> Self {
        match self {
            value if !marks.any() => value,
            Self::Marked(own, inner) => Self::Marked(own | marks, inner),
            other => Self::Marked(marks, Arc::new(other)),
        }
    }

    /// The same, never to be shown.
    #[must_use]
    pub fn sensitive(self) -> Self {
        self.marked(Marks::SENSITIVE)
    }

    /// The same, sensitive if `yes`.
    #[must_use]
    pub fn sensitive_if(self, yes: bool) -> Self {
        if yes { self.sensitive() } else { self }
    }

    /// The same, never to be kept if `yes`.
    #[must_use]
    pub fn ephemeral_if(self, yes: bool) -> Self {
        if yes { self.marked(Marks::EPHEMERAL) } else { self }
    }

    /// The marks of this very node.
    #[must_use]
    pub const fn marks(&self) -> Marks {
        match self {
            Self::Marked(marks, _) => *marks,
            _ => Marks { sensitive: false, ephemeral: false },
        }
    }

    /// The marks of all nodes together.
    #[must_use]
    pub fn all_marks(&self) -> Marks {
        match self {
            Self::Marked(marks, inner) => *marks | inner.all_marks(),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => items.iter().map(Self::all_marks).collect(),
            Self::Map(items) | Self::Object(items) => items.values().map(Self::all_marks).collect(),
            _ => Marks::default(),
        }
    }

    /// Whether this very node is not to be shown: what is not to be kept is not shown either.
    #[must_use]
    pub const fn is_sensitive(&self) -> bool {
        self.marks().any()
    }

    /// Whether anything in the tree is not to be shown.
    #[must_use]
    pub fn has_sensitive(&self) -> bool {
        self.any(&Self::is_sensitive)
    }

    /// Whether anything in the tree is not to be kept.
    #[must_use]
    pub fn has_ephemeral(&self) -> bool {
        self.any(&|v| v.marks().ephemeral)
    }

    /// The same with null in place of what is not to be kept.
    #[must_use]
    pub fn without_ephemeral(&self) -> Self {
        match self {
            Self::Marked(marks, inner) if marks.ephemeral => {
                Self::Null.typed(&inner.type_of()).marked(Marks { ephemeral: false, ..*marks })
            }
            Self::Marked(marks, inner) => inner.without_ephemeral().marked(*marks),
            other if other.has_ephemeral() => other.map_children(&mut |_, child| child.without_ephemeral()),
            other => other.clone(),
        }
    }

    /// The node without its mark; those below keep theirs.
    #[must_use]
    pub fn bare(&self) -> &Self {
        match self {
            Self::Marked(_, inner) => inner.bare(),
            Self::Typed(inner) => &inner.1,
            other => other,
        }
    }

    /// The node without its marks, with the type that is kept for what is null or empty.
    #[must_use]
    pub fn shown(&self) -> &Self {
        match self {
            Self::Marked(_, inner) => inner,
            other => other,
        }
    }

    /// The whole tree without marks.
    #[must_use]
    pub fn bare_deep(&self) -> Self {
        if self.any(&Self::is_sensitive) { self.shown().map_children(&mut |_, v| v.bare_deep()) } else { self.clone() }
    }
}
