# Marshal, as far as it is a way to copy deeply.
module Marshal
  def self.dump(object, *) = Copy.new(copy(object, {}.compare_by_identity))
  def self.load(dumped, *) = dumped.is_a?(Copy) ? copy(dumped.object, {}.compare_by_identity) : raise(TypeError, "instance of IO needed")

  # What dump answers: only load can do something with it.
  class Copy < String
    attr_reader :object
    def initialize(object)
      super("\x04\b")
      @object = object
    end
  end

  def self.copy(object, seen)
    return seen[object] if seen.key?(object)
    case object
    when nil, true, false, Integer, Float, Symbol, Module, Range, Regexp then object
    when String then seen[object] = object.dup
    when Array
      made = seen[object] = object.class.new
      object.each { |item| made << copy(item, seen) }
      made
    when Hash
      raise TypeError, "can't dump hash with default proc" if object.default_proc
      made = seen[object] = object.class.new
      made.default = object.default
      object.each { |key, value| made[copy(key, seen)] = copy(value, seen) }
      made
    when Proc, Method then raise TypeError, "no _dump_data is defined for class #{object.class}"
    else
      made = seen[object] = object.class.allocate
      object.instance_variables.each { |name| made.instance_variable_set(name, copy(object.instance_variable_get(name), seen)) }
      made
    end
  end
end
