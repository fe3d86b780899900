//! What a listing of everything of a type tells of each: enough to know whose it is, not what it is like.

use super::drift::Severity;
use super::resource::Id;

/// One of what exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id, as states have it.
    pub id: Id,
    /// What `import` takes for it.
    pub import: String,
    /// What people call it.
    pub name: String,
    /// An attribute that tells it from others of the same id, elsewhere or of another thing, and its value.
    pub mark: Option<(&'static str, String)>,
    /// Why nobody would manage it, in words that follow a number: `of the default VPC`.
    pub noise: Option<&'static str>,
    /// How bad it is that nobody manages it.
    pub severity: Severity,
    /// Why it is that bad; empty where nothing is worth telling.
    pub danger: String,
}

impl Listed {
    /// One whose id is all that `import` takes, and its name.
    pub fn new(id: impl Into<Id>) -> Self {
        let id = id.into();
        Self { import: id.clone(), name: id.clone(), id, mark: None, noise: None, severity: Severity::Low, danger: String::new() }
    }

    /// The same under that name, if it is one.
    #[must_use]
    pub fn named(mut self, name: Option<&str>) -> Self {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            name.clone_into(&mut self.name);
        }
        self
    }

    /// The same where `import` takes something else than the id.
    #[must_use]
    pub fn imported_by(mut self, given: impl Into<String>) -> Self {
        self.import = given.into();
        self
    }

    /// The same where an attribute tells it from others of the same id.
    #[must_use]
    pub fn marked(mut self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        self.mark = value.map(|value| (name, value.into()));
        self
    }

    /// The same, which nobody would manage for that reason, if it holds; the first reason stays.
    #[must_use]
    pub fn noise(mut self, holds: bool, why: &'static str) -> Self {
        if holds && self.noise.is_none() {
            self.noise = Some(why);
        }
        self
    }

    /// The same, which is worse for that reason, if there is one; the worst stays.
    #[must_use]
    pub fn worse(mut self, severity: Severity, why: Option<impl Into<String>>) -> Self {
        if let Some(why) = why.filter(|_| severity > self.severity) {
            (self.severity, self.danger) = (severity, why.into());
        }
        self
    }

    /// The same, which costs money for as long as it is there.
    #[must_use]
    pub fn costs(self) -> Self {
        self.worse(Severity::Medium, Some("costs money"))
    }
}
