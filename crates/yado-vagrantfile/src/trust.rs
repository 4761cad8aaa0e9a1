//! Whether the person trusts a project. It stands in a database, and few Vagrantfiles do anything that depends on it:
//! so it is asked when the sandbox would refuse something, and once.

use std::cell::{OnceCell, RefCell};

/// Looks up whether the project is trusted.
type Ask = Box<dyn Fn() -> yado_core::Result<bool>>;

/// See the module.
pub struct Trust {
    answer: OnceCell<bool>,
    ask: Option<Ask>,
    problem: RefCell<Option<String>>,
}

impl Trust {
    /// To be asked when it matters.
    pub fn ask(ask: impl Fn() -> yado_core::Result<bool> + 'static) -> Self {
        Self { answer: OnceCell::new(), ask: Some(Box::new(ask)), problem: RefCell::default() }
    }

    /// Whether the project is trusted. Not when that cannot be found out.
    pub(crate) fn given(&self) -> bool {
        *self.answer.get_or_init(|| match self.ask.as_ref().map(|ask| ask()) {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => {
                *self.problem.borrow_mut() = Some(error.message().to_owned());
                false
            }
            None => false,
        })
    }

    /// Why it could not be found out, as an addition to a sentence.
    pub(crate) fn problem(&self) -> String {
        let problem = self.problem.borrow();
        let text = |problem: &String| format!(" (whether the project is trusted cannot be told: {problem})");
        problem.as_ref().map(text).unwrap_or_default()
    }
}

impl From<bool> for Trust {
    fn from(answer: bool) -> Self {
        Self { answer: answer.into(), ask: None, problem: RefCell::default() }
    }
}
