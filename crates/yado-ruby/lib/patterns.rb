# Patterns as modules and classes: Singleton, Forwardable, Delegator, Observable.
module Singleton
  def self.included(base)
    base.extend(ClassMethods)
    base.private_class_method :new
  end
  module ClassMethods
    def instance = @singleton__instance__ ||= new
  end
  def clone = raise(TypeError, "can't clone instance of singleton #{self.class}")
  def dup = raise(TypeError, "can't dup instance of singleton #{self.class}")
end

module Forwardable
  def def_delegator(accessor, method, name = method)
    define_method(name) do |*args, **options, &block|
      target = accessor.to_s.start_with?("@") ? instance_variable_get(accessor) : send(accessor)
      target.send(method, *args, **options, &block)
    end
  end
  def def_delegators(accessor, *methods) = methods.each { |method| def_delegator(accessor, method) }
  def delegate(hash) = hash.each { |methods, accessor| Array(methods).each { |method| def_delegator(accessor, method) } }
  alias def_instance_delegator def_delegator
  alias def_instance_delegators def_delegators
  alias instance_delegate delegate
end

SingleForwardable = Forwardable

class Delegator < BasicObject
end

class SimpleDelegator
  def initialize(object) = @delegate = object
  def __getobj__ = @delegate
  def __setobj__(object) = @delegate = object
  def method_missing(name, *args, **options, &block) = @delegate.respond_to?(name) ? @delegate.send(name, *args, **options, &block) : super
  def respond_to_missing?(name, all = false) = @delegate.respond_to?(name, all)
  def ==(other) = other.equal?(self) || @delegate == other
  def to_s = @delegate.to_s
  def inspect = @delegate.inspect
end

def DelegateClass(superclass, &block)
  Class.new(SimpleDelegator, &block)
end

module Observable
  def add_observer(observer, method = :update) = (@observers ||= {})[observer] = method
  def delete_observer(observer) = @observers&.delete(observer)
  def changed(state = true) = @changed = state
  def changed? = !!@changed
  def notify_observers(*args)
    @observers&.each { |observer, method| observer.send(method, *args) } if @changed
    @changed = false
  end
end
