//! Vagrantfiles of Vagrant 1.0: `Vagrant::Config.run do |config| … end`. What they say is written down and then
//! said again in the current language.

use std::cell::RefCell;
use std::rc::Rc;

use yado_ruby::{Args, ClassRef, Eval, HashRef, Interpreter, RHash, Symbol, Value};

use crate::hash::{copied, option, put, take, take_options};
use crate::root::Root;
use crate::session::Session;

/// The sections of version 1; others belong to plugins that cannot work any more.
const SECTIONS: &[&str] = &["vm", "ssh", "nfs", "package", "vagrant"];

/// What `config.vm` had.
const VM: &[&str] = &[
    "auto_port_range",
    "base_mac",
    "boot_mode",
    "box",
    "box_url",
    "customize",
    "define",
    "forward_port",
    "guest",
    "host_name",
    "name",
    "network",
    "provision",
    "share_folder",
];

/// One call.
#[derive(Clone)]
struct Said {
    section: String,
    name: String,
    args: Args,
}

/// The `config` of a version 1 block.
pub(crate) struct OldRoot {
    session: Rc<Session>,
    said: RefCell<Vec<Said>>,
}

/// A section of it, as Ruby sees it.
struct OldSection {
    root: Rc<OldRoot>,
    name: String,
}

impl OldRoot {
    /// An empty one.
    pub(crate) fn new(session: &Rc<Session>) -> Rc<Self> {
        Rc::new(Self { session: Rc::clone(session), said: RefCell::default() })
    }

    /// The Ruby object of this root.
    pub(crate) fn object(self: &Rc<Self>, interpreter: &mut Interpreter) -> Value {
        let class = classes(interpreter).0;
        interpreter.new_object(&class, Some(Box::new(Rc::clone(self))))
    }

    /// The same in the current language.
    pub(crate) fn upgraded(self: Rc<Self>, interpreter: &mut Interpreter) -> Eval<Rc<Root>> {
        let root = Root::new(&self.session);
        let said = self.said.borrow().clone();
        for call in said {
            match call.section.as_str() {
                "vm" => self.upgrade_vm(interpreter, &root, call)?,
                "vagrant" if call.name == "dotfile_name=" => {
                    self.warn("`config.vm.dotfile_name` has no effect anymore.".to_owned());
                }
                // The rest of that section had no successor.
                "vagrant" => {}
                "ssh" if matches!(call.name.as_str(), "max_tries=" | "timeout=") => {}
                section => {
                    let section = root.section(interpreter, section)?;
                    interpreter.call_method(&section, Symbol::new(&call.name), call.args)?;
                }
            }
        }
        Ok(root)
    }

    fn warn(&self, text: String) {
        self.session.warnings.borrow_mut().push(text);
    }

    fn upgrade_vm(&self, interpreter: &mut Interpreter, root: &Rc<Root>, call: Said) -> Eval<()> {
        let vm = root.section(interpreter, "vm")?;
        let mut args = call.args;
        match call.name.as_str() {
            "auto_port_range=" => drop(interpreter.send(&vm, "usable_port_range=", args)?),
            "host_name=" => drop(interpreter.send(&vm, "hostname=", args)?),
            "boot_mode=" => {
                let shown = args.at(0).text_or_symbol().as_deref() == Some("gui");
                self.virtualbox(interpreter, &vm, "gui=", Value::Bool(shown))?;
            }
            "customize" => {
                self.warn("`config.vm.customize` calls are VirtualBox-specific. If you're\nusing any other provider, you'll have to use config.vm.provider in a\nv2 configuration block.".to_owned());
                self.virtualbox(interpreter, &vm, "customize", args.at(0))?;
            }
            "define" => {
                let options = take_options(&mut args);
                put(&options, "config_version", Value::str("1"));
                args.positional.push(Value::Hash(options));
                interpreter.send(&vm, "define", args)?;
            }
            "forward_port" => {
                if args.len() > 2 && !matches!(args.at(2), Value::Hash(_)) {
                    return interpreter.raise("TypeError", "no implicit conversion of Symbol into Integer");
                }
                let options = take_options(&mut args);
                if let Some(automatic) = take(&options, "auto") {
                    put(&options, "auto_correct", automatic);
                }
                put(&options, "guest", args.at(0));
                put(&options, "host", args.at(1));
                self.network(interpreter, &vm, "forwarded_port", options)?;
            }
            "network" => self.old_network(interpreter, &vm, args)?,
            "share_folder" => self.share_folder(interpreter, &vm, args)?,
            _ => drop(interpreter.call_method(&vm, Symbol::new(&call.name), args)?),
        }
        Ok(())
    }

    /// Says something to VirtualBox.
    fn virtualbox(
        &self,
        interpreter: &mut Interpreter,
        vm: &Value,
        method: &'static str,
        value: Value,
    ) -> Eval<()> {
        let block = yado_ruby::Proc::native(yado_ruby::Arity::exactly(1), move |interpreter, _, args| {
            interpreter.send(&args.at(0), method, Args::one(value.clone()))
        });
        interpreter.send(vm, "provider", Args::one(Value::sym("virtualbox")).with_block(Some(block)))?;
        Ok(())
    }

    fn network(&self, interpreter: &mut Interpreter, vm: &Value, kind: &str, options: HashRef) -> Eval<()> {
        let args = Args::of(vec![Value::sym(kind), Value::Hash(options)]);
        interpreter.send(vm, "network", args)?;
        Ok(())
    }

    fn old_network(&self, interpreter: &mut Interpreter, vm: &Value, mut args: Args) -> Eval<()> {
        let options = take_options(&mut args);
        let kind = args.at(0).text_or_symbol().unwrap_or_default();
        match kind.as_str() {
            "bridged" => self.network(interpreter, vm, "public_network", options),
            "hostonly" => {
                match args.at(1) {
                    Value::Sym(kind) => put(&options, "type", Value::Sym(kind)),
                    address => put(&options, "ip", address),
                }
                self.network(interpreter, vm, "private_network", options)
            }
            _ => {
                put(&options, "ip", Value::str(kind));
                self.network(interpreter, vm, "private_network", options)
            }
        }
    }

    fn share_folder(&self, interpreter: &mut Interpreter, vm: &Value, mut args: Args) -> Eval<()> {
        let given = take_options(&mut args);
        let mut name = interpreter.to_s(&args.at(0))?;
        if name == "v-root" {
            "vagrant-root".clone_into(&mut name);
            self.warn("The 'v-root' shared folders have been renamed to 'vagrant-root'.\nAssuming you meant 'vagrant-root'...".to_owned());
        }
        let options = RHash::new();
        for flag in ["create", "nfs", "transient"] {
            put(&options, flag, Value::Bool(option(&given, flag).is_some_and(|value| value.truthy())));
        }
        for (key, value) in given.to_vec() {
            options.insert(key, value);
        }
        put(&options, "id", Value::str(name));
        let args = Args::of(vec![args.at(2), args.at(1), Value::Hash(copied(&options))]);
        interpreter.send(vm, "synced_folder", args)?;
        Ok(())
    }
}

fn classes(interpreter: &mut Interpreter) -> (ClassRef, ClassRef) {
    if let (Some(root), Some(section)) = (
        interpreter.class_named("Vagrant::Config::V1::Root"),
        interpreter.class_named("Vagrant::Config::V1::Section"),
    ) {
        return (root, section);
    }
    let root = interpreter.define_class("Vagrant::Config::V1::Root", None);
    let section = interpreter.define_class("Vagrant::Config::V1::Section", None);
    interpreter.define_method(&root, "method_missing", |interpreter, this, args| {
        let name = args.get(0).and_then(Value::text_or_symbol).unwrap_or_default();
        let Some(root) = this.data::<Rc<OldRoot>>().map(|root| Rc::clone(&root)) else { return Ok(Value::Nil) };
        if !SECTIONS.contains(&name.as_str()) {
            root.warn(format!(
                "Unknown configuration section '{name}'. If this section was part of\na Vagrant 1.0.x plugin, note that 1.0.x plugins are incompatible with 1.1+."
            ));
            return Ok(root.session.dummy(interpreter));
        }
        let class = classes(interpreter).1;
        Ok(interpreter.new_object(&class, Some(Box::new(OldSection { root, name }))))
    });
    interpreter.define_method(&section, "method_missing", |interpreter, this, mut args| {
        let name = args.get(0).and_then(Value::text_or_symbol).unwrap_or_default();
        args.positional.remove(0);
        let (root, section) = match this.data::<OldSection>() {
            Some(section) => (Rc::clone(&section.root), section.name.clone()),
            None => return Ok(Value::Nil),
        };
        let bare = name.strip_suffix('=').unwrap_or(&name);
        if section == "vm" && !VM.contains(&bare) {
            return interpreter.raise("NoMethodError", format!("undefined method `{name}'"));
        }
        let setter = format!("{bare}=");
        if name == bare && args.is_empty() {
            // Reading: what was set last.
            let said = root.said.borrow();
            let last = said.iter().rev().find(|said| said.section == section && said.name == setter);
            return Ok(last.map_or(Value::Nil, |said| said.args.at(0)));
        }
        let value = args.at(0);
        root.said.borrow_mut().push(Said { section, name, args });
        Ok(value)
    });
    (root, section)
}
