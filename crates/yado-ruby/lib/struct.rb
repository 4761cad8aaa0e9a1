# Struct: classes made of named members.
class Struct
  include Enumerable

  def self.new(*members, keyword_init: nil, &block)
    return build(*members) unless equal?(Struct)
    name = members.shift if members.first.is_a?(String)
    members = members.map(&:to_sym)
    made = Class.new(self)
    made.instance_variable_set(:@members, members.freeze)
    made.instance_variable_set(:@keyword_init, keyword_init)
    made.define_singleton_method(:new) do |*args, **options, &inner|
      object = allocate
      object.send(:initialize, *args, **options, &inner)
      object
    end
    made.define_singleton_method(:[]) { |*args| new(*args) }
    made.define_singleton_method(:inspect) { "#{super()}(keyword_init: true)" } if keyword_init
    made.define_singleton_method(:members) { made.__members }
    made.define_singleton_method(:keyword_init?) { keyword_init }
    members.each do |member|
      made.define_method(member) { instance_variable_get("@#{member}") }
      made.define_method("#{member}=") do |value|
        raise FrozenError, "can't modify frozen #{self.class}: #{inspect}" if frozen?
        instance_variable_set("@#{member}", value)
      end
    end
    const_set(name, made) if name
    made.class_eval(&block) if block
    made
  end

  def self.__members = @members || superclass.__members
  def self.__keyword_init = defined?(@keyword_init) ? @keyword_init : (superclass.respond_to?(:__keyword_init) ? superclass.__keyword_init : nil)

  def initialize(*values, **options)
    members = self.class.__members
    if self.class.__keyword_init
      raise ArgumentError, "wrong number of arguments (given #{values.size}, expected 0)" unless values.empty?
      unknown = options.keys - members
      raise ArgumentError, "unknown keywords: #{unknown.join(", ")}" unless unknown.empty?
      members.each { |member| instance_variable_set("@#{member}", options[member]) }
    else
      values << options unless options.empty?
      raise ArgumentError, "struct size differs" if values.size > members.size
      members.each_with_index { |member, index| instance_variable_set("@#{member}", values[index]) }
    end
  end

  def members = self.class.__members
  def to_a = members.map { |member| instance_variable_get("@#{member}") }
  alias values to_a
  alias deconstruct to_a
  def size = members.size
  alias length size
  def each(&block) = block ? (to_a.each(&block); self) : to_enum(:each)
  def each_pair(&block) = block ? (to_h.each(&block); self) : to_enum(:each_pair)
  def to_h(&block) = block ? members.zip(to_a).to_h(&block) : members.zip(to_a).to_h
  def deconstruct_keys(keys) = keys ? to_h.slice(*keys) : to_h
  def dig(name, *rest) = rest.empty? || self[name].nil? ? self[name] : self[name].dig(*rest)
  def values_at(*places) = to_a.values_at(*places)
  def ==(other) = other.class == self.class && to_a == other.to_a
  def eql?(other) = other.class == self.class && to_a.eql?(other.to_a)
  def hash = to_a.hash

  def [](name)
    instance_variable_get("@#{__member(name)}")
  end

  def []=(name, value)
    send("#{__member(name)}=", value)
  end

  def inspect
    name = self.class.name
    "#<struct #{name ? "#{name} " : ""}#{members.map { |member| "#{member}=#{instance_variable_get("@#{member}").inspect}" }.join(", ")}>"
  end
  alias to_s inspect

  private

  def __member(name)
    if name.is_a?(Integer)
      index = name < 0 ? name + size : name
      raise IndexError, "offset #{name} too large for struct(size:#{size})" if index >= size
      raise IndexError, "offset #{name} too small for struct(size:#{size})" if index < 0
      return members[index]
    end
    raise NameError, "no member '#{name}' in struct" unless members.include?(name.to_sym)
    name
  end
end
