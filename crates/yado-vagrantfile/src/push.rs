//! `config.push.define NAME, strategy: S do |p| … end`.

use std::rc::Rc;

use indexmap::IndexMap;
use yado_core::spec::Origin;
use yado_ruby::{Args, Arity, Eval, Interpreter, Proc, Value};

use crate::config::{ConfigCell, Extra, origin};
use crate::hash::{take, take_options};
use crate::object;
use crate::schema::{EMPTY, Section};
use crate::session::Session;

/// The name of the Ruby class.
pub(crate) const CLASS: &str = "VagrantPlugins::Kernel_V2::PushConfig";

/// `config.push`
pub(crate) static PUSHES: Section =
    Section { class: CLASS, title: "push", methods: &[("define", define, Arity::at_least(1))], ..EMPTY };

/// The blocks of one name, each with its strategy.
type Definitions = Vec<(String, Option<Rc<Proc>>)>;

/// A way to bring the project somewhere, as it was configured.
#[derive(Clone, Debug)]
pub struct Push {
    /// What it is called.
    pub name: String,
    /// How it is done, such as `local-exec`.
    pub strategy: String,
    /// The strategy's settings, defaults filled in; an object.
    pub settings: serde_json::Value,
    /// Where it was defined last.
    pub origin: Option<Origin>,
}

/// What was defined.
#[derive(Clone, Default)]
pub(crate) struct Pushes {
    defined: IndexMap<String, Definitions>,
    /// Where each was defined last.
    pub(crate) places: IndexMap<String, Origin>,
    /// Strategy and finished settings by name.
    pub(crate) compiled: IndexMap<String, (String, Value)>,
}

impl Pushes {
    /// Both sides' definitions.
    pub(crate) fn merged(&self, newer: &Pushes) -> Pushes {
        let mut defined = self.defined.clone();
        for (name, definitions) in &newer.defined {
            defined.entry(name.clone()).or_default().extend(definitions.iter().cloned());
        }
        let mut places = self.places.clone();
        places.extend(newer.places.iter().map(|(name, place)| (name.clone(), place.clone())));
        Pushes { defined, places, compiled: IndexMap::new() }
    }
}

fn define(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let block = args.block.take();
    let options = take_options(&mut args);
    let name = interpreter.to_s(&args.at(0))?;
    let strategy = match take(&options, "strategy").filter(|strategy| !strategy.is_nil()) {
        Some(strategy) => interpreter.to_s(&strategy)?,
        None => name.clone(),
    };
    let place = origin(interpreter);
    if let Some(cell) = ConfigCell::of(this)
        && let Extra::Pushes(pushes) = &mut *cell.extra.borrow_mut()
    {
        if let Some(place) = place {
            pushes.places.insert(name.clone(), place);
        }
        pushes.defined.entry(name).or_default().push((strategy, block));
    }
    Ok(Value::Nil)
}

/// Runs the blocks. Another strategy under the same name starts afresh.
pub(crate) fn finalize(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    cell: &Rc<ConfigCell>,
) -> Eval<()> {
    let defined = match &*cell.extra.borrow() {
        Extra::Pushes(pushes) => pushes.defined.clone(),
        _ => return Ok(()),
    };
    for (name, definitions) in defined {
        let mut result: Option<(String, Value)> = None;
        for (strategy, block) in definitions {
            let kind = session.push(&strategy);
            let own = session.make(interpreter, &kind)?;
            if let Some(block) = block {
                let outcome = interpreter.call_proc(&block, Args::one(own.clone()));
                if let Err(control) = outcome {
                    return Err(crate::failure::in_block(interpreter, "push", &name, control));
                }
            }
            result = Some(match result {
                Some((known, older)) if known == strategy => {
                    (strategy, object::merge(interpreter, session, &older, &own)?)
                }
                _ => (strategy, own),
            });
        }
        if let Some((strategy, config)) = result {
            object::finalize(interpreter, session, &config)?;
            if let Extra::Pushes(pushes) = &mut *cell.extra.borrow_mut() {
                pushes.compiled.insert(name, (strategy, config));
            }
        }
    }
    Ok(())
}
