//! What happens when an interpreter is no longer needed. Classes refer to each other in circles (a class to its
//! constants, a constant's class to its superclass, a method to its owner), so counting references never frees them:
//! the circles are cut here. Only a process that reads many configurations wants that: one that ends gives everything
//! back faster by ending.

use std::collections::HashSet;
use std::rc::Rc;

use crate::class::{ClassRef, Constant};
use crate::interpreter::Interpreter;
use crate::value::Value;

impl Interpreter {
    /// Frees the interpreter with all its classes. Values that are still held keep working only as data: their classes
    /// have no methods any more.
    pub fn dismantle(mut self) {
        let mut seen = HashSet::new();
        let mut classes: Vec<ClassRef> = Vec::new();
        let mut waiting = vec![self.core.object.clone(), self.core.basic_object.clone()];
        waiting.push(self.dispatch_class(&self.main));
        while let Some(class) = waiting.pop() {
            if !seen.insert(Rc::as_ptr(&class)) {
                continue;
            }
            waiting.extend(class.superclass.borrow().clone());
            waiting.extend(class.singleton.borrow().clone());
            waiting.extend(class.includes.borrow().iter().cloned());
            waiting.extend(class.prepends.borrow().iter().cloned());
            waiting.extend(class.constants.borrow().values().filter_map(|constant| match constant {
                Constant::Value(Value::Class(inner)) => Some(inner.clone()),
                _ => None,
            }));
            waiting.extend(class.methods.borrow().values().map(|method| method.owner.clone()));
            classes.push(class);
        }
        // Nothing may be freed while one of these is borrowed: freeing a value can free the class that holds it.
        let mut freed: Vec<Box<dyn std::any::Any>> = Vec::new();
        for class in &classes {
            freed.push(Box::new(class.constants.take()));
            freed.push(Box::new(class.methods.take()));
            freed.push(Box::new(class.cache.take()));
            freed.push(Box::new(class.ancestors.take()));
            freed.push(Box::new(class.superclass.take()));
            freed.push(Box::new(class.singleton.take()));
            freed.push(Box::new(class.attached.take()));
            freed.push(Box::new(class.includes.take()));
            freed.push(Box::new(class.prepends.take()));
            freed.push(Box::new(class.variables.take()));
            freed.push(Box::new(class.class_variables.take()));
        }
        freed.push(Box::new(std::mem::take(&mut self.globals)));
        drop(freed);
    }
}
