//! Values that are made when somebody asks for them, and then kept.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::World;
use crate::words::{Address, Diagnostic, Result, Value};

/// Values by name.
#[derive(Default)]
pub(super) struct Cells(RefCell<HashMap<Arc<str>, Cell>>, RefCell<HashSet<Arc<str>>>);

/// A value that is being made, or was: with what it asked for, and where it was not wholly known, when that was.
enum Cell {
    Busy,
    Done(Value, Arc<BTreeSet<Address>>, Option<u64>),
}

impl Cells {
    /// Whether nobody has looked yet, or is just looking, whether the value of that name is as it has to be.
    pub(super) fn first_look(&self, name: &str) -> bool {
        self.1.borrow_mut().insert(name.into())
    }

    /// It is not as it has to be, which is told each time, or that can't be told yet.
    pub(super) fn look_again(&self, name: &str) {
        self.1.borrow_mut().remove(name);
    }
}

impl World<'_> {
    /// The value of that name, made by `make` unless it is there; `circle` is the error where making it needs it.
    pub(super) fn lazily(
        &self,
        cells: &Cells,
        name: &Arc<str>,
        circle: impl FnOnce() -> Diagnostic,
        make: impl FnOnce() -> Result<Value>,
    ) -> Result<Value> {
        match cells.0.borrow().get(name) {
            Some(Cell::Done(value, touched, at)) if at.is_none_or(|at| at == self.stamp) => {
                self.touch(touched.iter());
                return Ok(value.clone());
            }
            Some(Cell::Busy) => return Err(circle().into()),
            _ => {}
        }
        cells.0.borrow_mut().insert(name.clone(), Cell::Busy);
        let (value, touched) = self.trace(make);
        self.touch(&touched);
        match &value {
            Ok(value) => {
                let at = if value.is_known() { None } else { Some(self.stamp) };
                cells.0.borrow_mut().insert(name.clone(), Cell::Done(value.clone(), Arc::new(touched), at));
            }
            Err(_) => drop(cells.0.borrow_mut().remove(name)),
        }
        value
    }
}
