//! The configuration object: the values of one section as far as they were set, where each was set, and what was
//! called that does not exist. One implementation serves every table of [`crate::schema`].

use std::cell::RefCell;
use std::rc::Rc;

use yado_core::spec::Origin;
use yado_ruby::{Args, Eval, Interpreter, OrderedMap, Symbol, Value};

use crate::dummy::DummyCell;
use crate::json::from_json;
use crate::push::Pushes;
use crate::schema::{Fallback, Initial, Section};
use crate::session::Session;
use crate::trigger::Triggers;
use crate::vm::Vm;

/// A value and where it was given.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The value.
    pub(crate) value: Value,
    /// Where, unless it is a default.
    pub(crate) origin: Option<Origin>,
    /// What was given before and no longer counts, the first one first.
    pub(crate) earlier: Vec<(Value, Origin)>,
}

impl Entry {
    /// This entry, with what it displaces.
    fn instead_of(mut self, older: Option<&Entry>) -> Self {
        let Some(older) = older else { return self };
        let mut earlier = older.earlier.clone();
        if let Some(origin) = older.origin.clone().filter(|origin| Some(origin) != self.origin.as_ref()) {
            earlier.push((older.value.clone(), origin));
        }
        earlier.append(&mut self.earlier);
        self.earlier = earlier;
        self
    }
}

/// The values of one section.
pub(crate) struct Config {
    /// Its table.
    pub(crate) section: &'static Section,
    /// What was set.
    pub(crate) values: OrderedMap<&'static str, Entry>,
    /// Settings that were used but do not exist.
    pub(crate) invalid: Vec<(String, Option<Origin>)>,
    /// Whether it is finished, so that nothing unknown is accepted any more.
    pub(crate) finalized: bool,
}

/// A configuration object as Ruby sees it.
pub(crate) struct ConfigCell {
    /// The load that it belongs to.
    pub(crate) session: Rc<Session>,
    /// Its values.
    pub(crate) config: RefCell<Config>,
    /// What is more than values.
    pub(crate) extra: RefCell<Extra>,
}

/// What some sections keep besides their values.
pub(crate) enum Extra {
    /// Nothing: the ordinary section.
    None,
    /// Networks, folders, provisioners, providers, machines.
    Vm(Box<Vm>),
    /// Triggers.
    Triggers(Triggers),
    /// Push strategies.
    Pushes(Pushes),
}

impl Extra {
    /// What this section needs.
    pub(crate) fn for_section(section: &'static Section) -> Self {
        match section.class {
            crate::vm::CLASS => Extra::Vm(Box::default()),
            crate::trigger::CLASS => Extra::Triggers(Triggers::default()),
            crate::push::CLASS => Extra::Pushes(Pushes::default()),
            _ => Extra::None,
        }
    }
}

/// The place of the Ruby code being executed.
pub(crate) fn origin(interpreter: &Interpreter) -> Option<Origin> {
    let place = interpreter.location()?;
    Some(Origin {
        file: (&*place.file).into(),
        line: place.line as u32,
        column: place.column as u32 + 1,
        end_column: if place.end_line == place.line { place.end_column as u32 + 1 } else { 0 },
    })
}

impl Config {
    /// An object with nothing set but what starts with a value.
    pub(crate) fn new(section: &'static Section) -> Self {
        let mut values = OrderedMap::default();
        for setting in section.settings {
            if let Initial::Json(json) = setting.initial {
                values.insert(
                    setting.name,
                    Entry { value: from_json(json), origin: None, earlier: Vec::new() },
                );
            }
        }
        Self { section, values, invalid: Vec::new(), finalized: false }
    }

    /// The value of a setting; nil when it is not set.
    pub(crate) fn get(&self, name: &str) -> Value {
        self.values.get(name).map_or(Value::Nil, |entry| entry.value.clone())
    }

    /// Whether a setting has a value, be it nil.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether somebody wrote this setting, rather than a default.
    pub(crate) fn is_set_by_hand(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|entry| entry.origin.is_some())
    }

    /// The text of a setting that holds a string or symbol.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).text_or_symbol()
    }

    /// Sets a value that nobody wrote.
    pub(crate) fn put(&mut self, name: &'static str, value: Value) {
        let known = self.values.get(name);
        let origin = known.and_then(|entry| entry.origin.clone());
        let earlier = known.map(|entry| entry.earlier.clone()).unwrap_or_default();
        self.values.insert(name, Entry { value, origin, earlier });
    }

    /// Where a setting was set.
    pub(crate) fn origin(&self, name: &str) -> Option<Origin> {
        self.values.get(name)?.origin.clone()
    }

    /// Settings that were used but that Vagrant 2.3.4 does not have.
    pub(crate) fn unknown_to_vagrant(&self) -> Vec<(String, Option<Origin>)> {
        let newer =
            self.values.iter().filter(|(name, entry)| entry.origin.is_some() && self.section.is_newer(name));
        let newer = newer.map(|(name, entry)| ((*name).to_owned(), entry.origin.clone()));
        self.invalid.iter().cloned().chain(newer).collect()
    }

    /// Notes the use of a setting that does not exist.
    pub(crate) fn note_invalid(&mut self, name: &str, origin: Option<Origin>) {
        if !self.invalid.iter().any(|(known, _)| known == name) {
            self.invalid.push((name.to_owned(), origin));
        }
    }

    /// What both together say; the newer one wins.
    pub(crate) fn merged(&self, newer: &Config) -> Config {
        let mut result = self.copy();
        for (name, entry) in &newer.values {
            result.values.insert(name, entry.clone().instead_of(self.values.get(name)));
        }
        for (name, origin) in &newer.invalid {
            result.note_invalid(name, origin.clone());
        }
        if let Some(merge) = self.section.merge {
            merge(self, newer, &mut result);
        }
        result
    }

    /// An unfinished copy.
    pub(crate) fn copy(&self) -> Config {
        Config {
            section: self.section,
            values: self.values.clone(),
            invalid: self.invalid.clone(),
            finalized: false,
        }
    }

    /// Fills in what nobody set.
    pub(crate) fn fill_defaults(&mut self) {
        self.values.reserve(self.section.settings.len().saturating_sub(self.values.len()));
        for setting in self.section.settings {
            if !self.values.contains_key(setting.name) {
                let value = match setting.fallback {
                    Fallback::Nil => Value::Nil,
                    Fallback::Json(json) => from_json(json),
                };
                self.values.insert(setting.name, Entry { value, origin: None, earlier: Vec::new() });
            }
        }
    }

    /// Completes the object in place if its section adds nothing to the defaults; otherwise says `false`.
    pub(crate) fn finalize_alone(&mut self) -> bool {
        let alone = self.section.prepare.is_none() && self.section.finalize.is_none();
        if alone {
            self.fill_defaults();
            self.finalized = true;
        }
        alone
    }

    /// Completes the object: defaults, and whatever the section adds.
    pub(crate) fn finalize(&mut self, interpreter: &mut Interpreter, session: &Rc<Session>) -> Eval<()> {
        if let Some(prepare) = self.section.prepare {
            prepare(interpreter, session, self)?;
        }
        self.fill_defaults();
        if let Some(finalize) = self.section.finalize {
            finalize(interpreter, session, self)?;
        }
        self.finalized = true;
        Ok(())
    }
}

impl ConfigCell {
    /// The configuration behind a Ruby object, if it is one of ours.
    pub(crate) fn of(value: &Value) -> Option<Rc<ConfigCell>> {
        value.data::<Rc<ConfigCell>>().map(|cell| Rc::clone(&cell))
    }

    /// Sets a setting from Ruby code.
    fn set(&self, interpreter: &Interpreter, name: &'static str, value: Value) {
        let origin = origin(interpreter);
        let mut config = self.config.borrow_mut();
        if value.same(&Session::unset()) {
            config.values.shift_remove(name);
        } else {
            let entry = Entry { value, origin, earlier: Vec::new() }.instead_of(config.values.get(name));
            config.values.insert(name, entry);
        }
    }

    /// `object.name` or `object.name = value` for whatever is not a method of its own.
    pub(crate) fn missing(self: &Rc<Self>, interpreter: &mut Interpreter, this: &Value, args: &Args) -> Eval {
        let Some(Value::Sym(called)) = args.get(0) else { return Ok(Value::Nil) };
        let called = called.as_str();
        let section = self.config.borrow().section;
        let bare = called.strip_suffix('=').unwrap_or(called);
        if let Some(setting) = section.find(bare) {
            if bare.len() != called.len() {
                let value = args.at(1);
                self.set(interpreter, setting.name, value.clone());
                return Ok(value);
            }
            if args.len() > 1 {
                return interpreter.wrong_arguments(args.len() - 1, "0");
            }
            let known = self.config.borrow().values.get(setting.name).map(|entry| entry.value.clone());
            return Ok(known.unwrap_or_else(Session::unset));
        }
        if self.config.borrow().finalized {
            let class = interpreter.plain_inspect(this);
            return interpreter.raise("NoMethodError", format!("undefined method `{called}' for {class}"));
        }
        let origin = origin(interpreter);
        self.config.borrow_mut().note_invalid(bare, origin);
        Ok(self.session.dummy(interpreter))
    }
}

/// Applies options as `object.key = value` for each: what `provision "shell", inline: …` does.
pub(crate) fn set_options(interpreter: &mut Interpreter, target: &Value, options: &Value) -> Eval<()> {
    let Value::Hash(options) = options else { return Ok(()) };
    if DummyCell::of(target).is_some() {
        return Ok(());
    }
    for (key, value) in options.to_vec() {
        let name = interpreter.to_s(&key)?;
        interpreter.call_method(target, Symbol::new(&format!("{name}=")), Args::one(value))?;
    }
    Ok(())
}
